package io.sluice;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.Books.Event;
import io.sluice.Books.Receipt;
import io.sluice.Books.Version;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A checker that finds nothing in a forged history would prove nothing of a real one. */
final class BooksTest {
  /** The parts of a history, to be forged. */
  static final class Draft {
    final List<Version> acknowledged = new ArrayList<>(List.of(new Version("a", 2)));
    final List<String> produced = new ArrayList<>(List.of("a/k1", "a/k2"));
    final List<Receipt> receipts =
        new ArrayList<>(
            List.of(
                new Receipt("1", "a", null, "applied", null),
                new Receipt("2", "a", null, "applied", null),
                new Receipt("3", "a", "a/k1", "applied", "t-0-1"),
                new Receipt("4", "a", "a/k2", "failed", "t-0-2"),
                new Receipt("5", "", null, "dead", "t-0-3")));
    final List<Version> versions =
        new ArrayList<>(List.of(new Version("a", 1), new Version("a", 2), new Version("a", 3)));
    final List<Event> events =
        new ArrayList<>(
            List.of(
                new Event("1", "a", 1L, "one"),
                new Event("2", "a", 2L, "two"),
                new Event("1", "a", 1L, "one"),
                new Event("2", "a", 2L, "two"),
                new Event("3", "a", 3L, "three"),
                new Event("4", "a", null, "four")));
    final List<String> deadLetters = new ArrayList<>(List.of("t-0-3"));

    List<String> problems() {
      return new Books(acknowledged, produced, receipts, versions, events, deadLetters).problems();
    }
  }

  @Test
  void repeatedDeliveriesOfATrueHistoryBalance() {
    assertThat(new Draft().problems()).isEmpty();
  }

  static List<Consumer<Draft>> forgeries() {
    return List.of(
        d -> d.versions.remove(1),
        d -> d.acknowledged.add(new Version("a", 4)),
        d -> d.events.removeIf(e -> e.id().equals("2")),
        d -> d.events.removeIf(e -> e.id().equals("4")),
        d -> d.events.set(2, new Event("1", "a", 1L, "another")),
        d -> d.events.add(new Event("9", "a", null, "nobody's")),
        d -> d.events.add(0, d.events.remove(4)),
        d -> d.produced.add("a/lost"),
        d -> d.receipts.add(new Receipt("6", "a", "a/k1", "failed", "t-0-1")),
        d -> d.receipts.set(3, new Receipt("4", "a", "a/k2", "pending", "t-0-2")),
        d -> d.deadLetters.clear());
  }

  @ParameterizedTest
  @MethodSource("forgeries")
  void aForgedHistoryIsRejected(Consumer<Draft> forgery) {
    Draft draft = new Draft();
    forgery.accept(draft);
    assertThat(draft.problems()).isNotEmpty();
  }
}
