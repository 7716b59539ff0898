package io.github.tuneqdm.parallel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ParallelTest {
  private static final List<Integer> NUMBERS = IntStream.range(0, 100).boxed().toList();

  @Test
  void valuesComeInTheOrderOfTheirInputs() {
    assertThat(Ahead.all(NUMBERS, n -> slowly(n % 3, 2 * n)))
        .isEqualTo(NUMBERS.stream().map(n -> 2 * n).toList());
  }

  @Test
  void noMoreThanTheBudgetIsOnItsWay() {
    AtomicInteger begun = new AtomicInteger();
    try (Ahead<Integer> ahead = Ahead.weighed(NUMBERS, n -> begun.incrementAndGet(), n -> 10, 35)) {
      for (int taken = 1; taken <= 50; taken++) {
        ahead.next();
        assertThat(begun.get()).isLessThanOrEqualTo(taken + 4);
      }
    }
  }

  @Test
  void anInputBeyondTheBudgetIsTakenAlone() {
    try (Ahead<Integer> ahead = Ahead.weighed(NUMBERS, n -> n, n -> 1000, 1)) {
      assertThat(List.of(ahead.next(), ahead.next())).containsExactly(0, 1);
    }
  }

  @Test
  void theFirstFailureInOrderIsThrownInItsPlace() {
    try (Ahead<Integer> ahead =
        Ahead.counted(
            NUMBERS,
            n -> {
              if (n % 3 == 2) {
                throw new IllegalArgumentException("no " + n);
              }
              return n;
            },
            8)) {
      assertThat(List.of(ahead.next(), ahead.next())).containsExactly(0, 1);
      assertThatThrownBy(ahead::next)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("no 2");
    }
  }

  @Test
  void nothingIsLeftAfterTheLastInput() {
    try (Ahead<Integer> ahead = Ahead.counted(List.of(1), n -> n, 8)) {
      ahead.next();
      assertThatThrownBy(ahead::next).isInstanceOf(NoSuchElementException.class);
    }
  }

  @Test
  void jobsAreDoneInOrderAndAllOfThemBeforeTheEnd() {
    List<Integer> done = Collections.synchronizedList(new ArrayList<>());
    try (Background background = new Background(2)) {
      NUMBERS.forEach(n -> background.run(() -> done.add(slowly(n % 2, n))));
    }
    assertThat(done).isEqualTo(NUMBERS);
  }

  @Test
  void whatAJobThrowsReachesItsGiverAndNoOtherIsBegun() {
    List<Integer> done = Collections.synchronizedList(new ArrayList<>());
    CountDownLatch given = new CountDownLatch(1);
    assertThatThrownBy(
            () -> {
              try (Background background = new Background(3)) {
                background.run(
                    () -> {
                      await(given);
                      throw new IllegalStateException("disk full");
                    });
                background.run(() -> done.add(1));
                given.countDown();
              }
            })
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("disk full");
    assertThat(done).isEmpty();
  }

  @Test
  void aGiverThatGoesOnHearsOfAFailureOnce() {
    assertThatThrownBy(
            () -> {
              try (Background background = new Background(1)) {
                for (int n : NUMBERS) {
                  background.run(
                      () -> {
                        throw new IllegalStateException("no " + n);
                      });
                }
              }
            })
        .hasMessage("no 0")
        .hasNoSuppressedExceptions();
  }

  private static <T> T slowly(int millis, T value) {
    try {
      Thread.sleep(millis);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return value;
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
