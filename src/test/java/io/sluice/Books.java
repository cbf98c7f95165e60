package io.sluice;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * What clients were promised, what the store holds and what the topics say; and whether the three
 * agree.
 *
 * @param acknowledged the versions that HTTP answered
 * @param produced identities of the records that the broker acknowledged, each as the store has it
 * @param receipts all rows of updates
 * @param versions all rows of the history, live or not
 * @param events the topic's records, per partition in order, repeated ones too
 * @param deadLetters where the records stood that are dead letters, each as topic-partition-offset
 */
record Books(
    Collection<Version> acknowledged,
    Collection<String> produced,
    Collection<Receipt> receipts,
    Collection<Version> versions,
    List<Event> events,
    Collection<String> deadLetters) {

  record Version(String dataSource, long number) {}

  /**
   * @param origin where the record stood; null for other intakes
   */
  record Receipt(String id, String dataSource, String identity, String state, String origin) {}

  /**
   * @param version the one that went live; null when none did
   * @param content all headers and the value
   */
  record Event(String id, String dataSource, Long version, String content) {}

  /** Every disagreement as a sentence; none when the books balance. */
  List<String> problems() {
    List<String> problems = new ArrayList<>();
    Map<String, Event> first = new LinkedHashMap<>();
    for (Event event : events) {
      Event before = first.putIfAbsent(event.id(), event);
      if (before != null && !before.content().equals(event.content())) {
        problems.add("Two deliveries of event " + event.id() + " differ.");
      }
    }
    checkPromises(first.values(), problems);
    checkReceipts(first.keySet(), problems);
    checkOrder(first.values(), problems);
    return problems;
  }

  private void checkPromises(Collection<Event> distinct, List<String> problems) {
    Set<Version> stored = new HashSet<>(versions);
    Set<Version> announced = new HashSet<>();
    distinct.stream()
        .filter(e -> e.version() != null)
        .forEach(e -> announced.add(new Version(e.dataSource(), e.version())));
    for (Version version : acknowledged) {
      if (!stored.contains(version)) {
        problems.add("Acknowledged, but not in the store: " + version);
      }
      if (!announced.contains(version)) {
        problems.add("Acknowledged, but not announced: " + version);
      }
    }
    for (Version version : announced) {
      if (!stored.contains(version)) {
        problems.add("Announced, but not in the store: " + version);
      }
    }
    Map<String, Integer> ends = new HashMap<>();
    receipts.forEach(r -> ends.merge(String.valueOf(r.identity()), 1, Integer::sum));
    for (String identity : produced) {
      if (ends.getOrDefault(identity, 0) != 1) {
        problems.add("Record " + identity + " ended " + ends.getOrDefault(identity, 0) + " times.");
      }
    }
  }

  private void checkReceipts(Set<String> eventIds, List<String> problems) {
    Set<String> announced = new HashSet<>(eventIds);
    for (Receipt receipt : receipts) {
      switch (receipt.state()) {
        case "applied", "failed" -> {
          if (!announced.remove(receipt.id())) {
            problems.add("No event of update " + receipt.id() + ", which " + receipt.state());
          }
        }
        case "dead" -> {
          if (!deadLetters.contains(receipt.origin())) {
            problems.add("No dead letter of " + receipt.origin());
          }
        }
        default -> problems.add("Update " + receipt.id() + " has not ended.");
      }
    }
    announced.forEach(id -> problems.add("Event " + id + " belongs to no update."));
  }

  private static void checkOrder(Collection<Event> distinct, List<String> problems) {
    Map<String, Long> last = new TreeMap<>();
    for (Event event : distinct) {
      if (event.version() == null) {
        continue;
      }
      long before = last.getOrDefault(event.dataSource(), 0L);
      if (event.version() != before + 1) {
        problems.add(
            event.dataSource() + ": version " + event.version() + " follows " + before + ".");
      }
      last.put(event.dataSource(), event.version());
    }
  }
}
