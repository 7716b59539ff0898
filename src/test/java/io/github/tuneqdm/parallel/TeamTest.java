package io.github.tuneqdm.parallel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;

class TeamTest {
  private final AtomicReference<Integer> allowed = new AtomicReference<>();

  @Test
  void dividesItemsEvenlyAndKeepsTheirOrder() {
    try (Team team = new Team(3, allowed::set)) {
      assertThat(team.divide(8, (from, count) -> List.of(from, count)))
          .containsExactly(List.of(0, 2), List.of(2, 3), List.of(5, 3));
    }
  }

  @Test
  void worksSideBySideWithEqualSharesOfThreadsAndHasAllAgainAfterwards() {
    try (Team team = new Team(4, allowed::set)) {
      CyclicBarrier bothAreHere = new CyclicBarrier(2);
      List<Integer> shares =
          team.divide(
              2,
              (from, count) -> {
                try {
                  bothAreHere.await(20, TimeUnit.SECONDS); // fails where one waits for the other
                } catch (Exception e) {
                  throw new IllegalStateException(e);
                }
                return allowed.get();
              });
      assertThat(shares).containsExactly(2, 2);
      assertThat(allowed).hasValue(4);
    }
  }

  @Test
  void oneThreadOrOneItemIsTheCallersOwn() {
    try (Team alone = new Team(1, allowed::set);
        Team many = new Team(4, allowed::set)) {
      assertThat(alone.divide(5, (from, count) -> Thread.currentThread()))
          .containsExactly(Thread.currentThread());
      assertThat(many.divide(1, (from, count) -> Thread.currentThread()))
          .containsExactly(Thread.currentThread());
      assertThat(allowed.get()).isNull();
    }
  }

  @Test
  void failsOnlyWhenAllPartsHaveEnded() {
    AtomicInteger ended = new AtomicInteger();
    try (Team team = new Team(2, allowed::set)) {
      assertThatThrownBy(
              () ->
                  team.divide(
                      2,
                      (from, count) -> {
                        if (from == 0) {
                          throw new IllegalArgumentException("the first part");
                        }
                        return ended.incrementAndGet();
                      }))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("the first part");
      assertThat(ended).hasValue(1);
      assertThat(allowed).hasValue(2);
    }
  }
}
