package io.github.tuneqdm.spark;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.OptionalInt;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class EngineSeatsTest {
  private static final List<OptionalInt> CPU = List.of(OptionalInt.empty());
  private static final List<OptionalInt> GPUS = List.of(OptionalInt.of(0), OptionalInt.of(1));

  private final ExecutorService threads = Executors.newFixedThreadPool(4);

  @AfterEach
  void stop() {
    threads.shutdownNow();
  }

  @Test
  void tasksOfOneDeviceFollowEachOther() throws Exception {
    for (List<OptionalInt> device : List.of(CPU, List.of(OptionalInt.of(0)))) {
      AtomicInteger inside = new AtomicInteger();
      AtomicInteger most = new AtomicInteger();
      List<Future<?>> tasks = new ArrayList<>();
      for (int i = 0; i < 4; i++) {
        tasks.add(
            threads.submit(
                () ->
                    EngineSeats.occupy(
                        device,
                        gpu -> {
                          most.accumulateAndGet(inside.incrementAndGet(), Math::max);
                          Thread.sleep(20);
                          return inside.decrementAndGet();
                        })));
      }
      for (Future<?> task : tasks) {
        task.get();
      }
      assertThat(most).hasValue(1);
    }
  }

  @Test
  void tasksThatMayChooseTakeDifferentDevices() throws Exception {
    CyclicBarrier together = new CyclicBarrier(2);
    List<OptionalInt> used = Collections.synchronizedList(new ArrayList<>());
    List<Future<?>> tasks = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      tasks.add(
          threads.submit(
              () ->
                  EngineSeats.occupy(
                      GPUS,
                      gpu -> {
                        used.add(gpu);
                        return together.await(10, TimeUnit.SECONDS);
                      })));
    }
    for (Future<?> task : tasks) {
      task.get();
    }
    assertThat(used).containsExactlyInAnyOrderElementsOf(GPUS);
  }

  @Test
  void aTaskThatFailsOrIsKilledLeavesItsSeat() throws Exception {
    assertThatThrownBy(
            () ->
                EngineSeats.occupy(
                    CPU,
                    gpu -> {
                      throw new IllegalStateException("killed");
                    }))
        .hasMessage("killed");
    CountDownLatch seated = new CountDownLatch(1);
    CountDownLatch leave = new CountDownLatch(1);
    Future<Boolean> holder =
        threads.submit(
            () ->
                EngineSeats.occupy(
                    CPU,
                    gpu -> {
                      seated.countDown();
                      return leave.await(10, TimeUnit.SECONDS);
                    }));
    seated.await();
    Future<String> waiter = threads.submit(() -> EngineSeats.occupy(CPU, gpu -> "never"));
    waiter.cancel(true);
    leave.countDown();
    assertThat(holder.get()).isTrue();
    assertThat(threads.submit(() -> EngineSeats.occupy(CPU, gpu -> "next")).get())
        .isEqualTo("next");
  }
}
