package io.sluice.rig;

import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;
import static java.util.stream.Collectors.toMap;
import static java.util.stream.Collectors.toSet;

import io.sluice.rig.Evidence.Event;
import io.sluice.rig.Evidence.Receipt;
import io.sluice.rig.Evidence.Told;
import io.sluice.rig.Evidence.Version;
import io.sluice.rig.History.Kind;
import io.sluice.rig.History.Outcome;
import io.sluice.rig.History.Read;
import io.sluice.rig.History.Write;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

/** What must be true of the evidence. Each rule is for one promise, or two that show alike. */
enum Rule {
  /** P1, P2: what was answered 200 is in the history, what was answered 202 is in the queue. */
  DURABLE,
  /** P3, P12: a record that the broker has is one update, however often it was sent. */
  RECORDS_ONCE,
  /** P4: nobody reads a mixture of two settings, or settings that were replaced before he asked. */
  WHOLE,
  /** P5: settings whose test fails are never live. */
  UNTOUCHED,
  /** P6: every applied update made the one version that it was answered. */
  NO_LOST_UPDATE,
  /** P7: an update that ended has one event, as the contract has it, the same at each delivery. */
  ONE_EVENT,
  /** P8: first deliveries of a data source come in the order in which they were written. */
  ORDER,
  /** P9: at most a batch is repeated for a fault. */
  FEW_REPEATS,
  /** P11: a key is one update and one answer. */
  KEYS_ONCE,
  /** P7, P8: whoever follows the stream is told each event once, in the order of the topic's. */
  FOLLOWED,
  /** P1, P4, P7: what was deleted is gone, with its secrets, and is announced once. */
  DELETED,
  /** P15: the survivor holds what it held before. */
  NO_LEAK,
  /** P19: whoever cannot be served is told to come again. */
  NO_FAULT,
  /** P24: no update took effect twice. */
  ONE_EFFECT,
  /** P28: nothing is left at work. */
  NO_ORPHAN,
  /** P29: accepted = applied + deleted + failed + dead = events + dead letters. */
  BALANCE;

  /** Every breach as a sentence. */
  List<String> breaches(Evidence evidence) {
    List<String> problems = new ArrayList<>();
    switch (this) {
      case DURABLE -> durable(evidence, problems);
      case RECORDS_ONCE -> recordsOnce(evidence, problems);
      case WHOLE -> whole(evidence, problems);
      case UNTOUCHED -> untouched(evidence, problems);
      case NO_LOST_UPDATE -> noLostUpdate(evidence, problems);
      case ONE_EVENT -> oneEvent(evidence, problems);
      case ORDER -> order(evidence, problems);
      case FEW_REPEATS -> fewRepeats(evidence, problems);
      case KEYS_ONCE -> keysOnce(evidence, problems);
      case FOLLOWED -> followed(evidence, problems);
      case DELETED -> deleted(evidence, problems);
      case NO_LEAK -> noLeak(evidence, problems);
      case NO_FAULT -> noFault(evidence, problems);
      case ONE_EFFECT -> oneEffect(evidence, problems);
      case NO_ORPHAN -> noOrphan(evidence, problems);
      case BALANCE -> balance(evidence, problems);
    }
    return problems.stream().map(problem -> name() + ": " + problem).toList();
  }

  /** The breaches of all rules. */
  static List<String> all(Evidence evidence) {
    return Stream.of(values()).flatMap(rule -> rule.breaches(evidence).stream()).toList();
  }

  private static void durable(Evidence evidence, List<String> problems) {
    Set<List<Object>> stored =
        evidence.versions().stream()
            .map(v -> List.<Object>of(v.dataSource(), v.number()))
            .collect(toSet());
    Set<String> receipts = evidence.receipts().stream().map(Receipt::id).collect(toSet());
    for (Write write : answered(evidence)) {
      if (write.version() != null
          && !stored.contains(List.<Object>of(write.dataSource(), write.version()))) {
        problems.add("Answered, but not in the store: " + write);
      }
      if (write.updateId() != null && !receipts.contains(write.updateId())) {
        problems.add("Accepted, but not in the store: " + write);
      }
    }
    for (Read read : evidence.reads()) {
      if (!stored.contains(List.<Object>of(read.dataSource(), read.version()))) {
        problems.add("Read, but not in the store: " + read);
      }
    }
  }

  private static void recordsOnce(Evidence evidence, List<String> problems) {
    Map<String, List<Receipt>> of = byIdentity(evidence);
    evidence.writes().stream()
        .filter(w -> w.kind() == Kind.RECORD || w.kind() == Kind.POISON)
        .forEach(
            w -> {
              int times = of.getOrDefault(w.identity(), List.of()).size();
              if (times > 1 || (times == 0 && w.outcome() == Outcome.OK)) {
                problems.add("Record " + w.identity() + " is " + times + " updates.");
              }
            });
  }

  private static void whole(Evidence evidence, List<String> problems) {
    Map<List<Object>, Version> stored =
        evidence.versions().stream()
            .collect(toMap(v -> List.of(v.dataSource(), v.number()), v -> v, (a, b) -> a));
    Map<List<String>, String> fingerprints = new HashMap<>();
    for (Read read : evidence.reads()) {
      Version version = stored.get(List.<Object>of(read.dataSource(), read.version()));
      if (!read.username().equals(read.database())
          || (version != null && !version.mark().equals(read.username()))) {
        problems.add("A mixture: " + read + " of " + version);
      }
      if (read.version() < read.floor()) {
        problems.add("A former version: " + read);
      }
      List<String> account = List.of(read.dataSource(), read.username());
      String before = fingerprints.putIfAbsent(account, read.fingerprint());
      if (before != null && !before.equals(read.fingerprint())) {
        problems.add("Another account's password: " + read);
      }
    }
  }

  private static void untouched(Evidence evidence, List<String> problems) {
    Stream.concat(evidence.versions().stream(), evidence.live().stream())
        .filter(v -> v.mark().startsWith(Account.NEVER))
        .forEach(v -> problems.add("Live without a test that passed: " + v));
    evidence.reads().stream()
        .filter(r -> r.username().startsWith(Account.NEVER))
        .forEach(r -> problems.add("Read without a test that passed: " + r));
    Map<String, Long> last = new HashMap<>();
    evidence.versions().forEach(v -> last.merge(v.dataSource(), v.number(), Math::max));
    for (Version live : evidence.live()) {
      if (!evidence.versions().contains(live)
          || live.number() != last.getOrDefault(live.dataSource(), 0L)) {
        problems.add("Live, but not the latest version: " + live);
      }
    }
  }

  private static void noLostUpdate(Evidence evidence, List<String> problems) {
    Map<List<Object>, Version> stored =
        evidence.versions().stream()
            .collect(toMap(v -> List.of(v.dataSource(), v.number()), v -> v, (a, b) -> a));
    Map<List<Object>, Write> owners = new HashMap<>();
    for (Write write : answered(evidence)) {
      if (write.version() == null) {
        continue;
      }
      List<Object> place = List.of(write.dataSource(), write.version());
      Version version = stored.get(place);
      if (version != null && !version.mark().equals(write.mark())) {
        problems.add("Somebody else's settings: " + version + " for " + write);
      }
      if (write.ifMatch() != null && write.version() != write.ifMatch() + 1) {
        problems.add("Not the version that was expected: " + write);
      }
      Write other = owners.putIfAbsent(place, write);
      if (other != null
          && (write.identity() == null || !write.identity().equals(other.identity()))) {
        problems.add("One version for two updates: " + write + " and " + other);
      }
    }
    deservedRefusals(evidence, problems);
    Map<String, Set<Long>> numbers = new HashMap<>();
    evidence
        .versions()
        .forEach(
            v -> {
              if (!numbers.computeIfAbsent(v.dataSource(), d -> new HashSet<>()).add(v.number())) {
                problems.add("Two of one version: " + v);
              }
            });
    numbers.forEach(
        (dataSource, all) -> {
          if (all.stream().anyMatch(n -> n > all.size())) {
            problems.add("A version of " + dataSource + " is missing.");
          }
        });
  }

  private static void oneEvent(Evidence evidence, List<String> problems) {
    Map<String, Event> first = firstDeliveries(evidence);
    for (Event event : evidence.delivered()) {
      Event before = first.get(event.id());
      if (!before.content().equals(event.content())) {
        problems.add("Two deliveries of event " + event.id() + " differ.");
      }
    }
    Map<String, Receipt> ended =
        evidence.receipts().stream()
            .filter(r -> Set.of("applied", "deleted", "failed").contains(r.state()))
            .collect(toMap(Receipt::id, r -> r));
    for (Receipt receipt : ended.values()) {
      Event event = first.get(receipt.id());
      if (event == null) {
        problems.add("No event of " + receipt);
      } else if (receipt.state().equals("applied") != (event.version() != null)
          || (event.version() != null && !event.version().equals(receipt.version()))) {
        problems.add("The event says something else: " + event + " of " + receipt);
      }
    }
    evidence.objections().forEach(o -> problems.add("Not an event of the contract: " + o));
    first.keySet().stream()
        .filter(id -> !ended.containsKey(id))
        .forEach(id -> problems.add("Event " + id + " belongs to no update that ended."));
  }

  private static void deservedRefusals(Evidence evidence, List<String> problems) {
    Map<String, Long> last = new HashMap<>();
    evidence.versions().forEach(v -> last.merge(v.dataSource(), v.number(), Math::max));
    evidence.writes().stream()
        .filter(w -> w.outcome() == Outcome.STALE)
        .filter(w -> w.ifMatch() == null || last.getOrDefault(w.dataSource(), 0L) <= w.ifMatch())
        .forEach(w -> problems.add("Refused for a version that never came: " + w));
  }

  private static void noFault(Evidence evidence, List<String> problems) {
    evidence.writes().stream()
        .filter(w -> w.outcome() == Outcome.FAULT)
        .forEach(w -> problems.add("Answered with a fault of the service: " + w));
  }

  private static void order(Evidence evidence, List<String> problems) {
    Map<String, Integer> written = new HashMap<>();
    evidence.outbox().forEach(id -> written.put(id, written.size()));
    Map<String, Integer> place = new HashMap<>();
    Map<String, Long> last = new HashMap<>();
    for (Event event : firstDeliveries(evidence).values()) {
      int at = written.getOrDefault(event.id(), -1);
      if (at < place.getOrDefault(event.dataSource(), -1)) {
        problems.add("Event " + event.id() + " of " + event.dataSource() + " came too late.");
      }
      place.put(event.dataSource(), at);
      if (event.version() != null) {
        long before = last.getOrDefault(event.dataSource(), 0L);
        if (event.version() != before + 1) {
          problems.add(
              event.dataSource() + ": version " + event.version() + " follows " + before + ".");
        }
        last.put(event.dataSource(), event.version());
      }
    }
  }

  private static void fewRepeats(Evidence evidence, List<String> problems) {
    int repeats = evidence.delivered().size() - firstDeliveries(evidence).size();
    if (repeats > evidence.repeatable()) {
      problems.add(repeats + " deliveries are repeats; at most " + evidence.repeatable() + " may.");
    }
  }

  private static void keysOnce(Evidence evidence, List<String> problems) {
    Map<String, List<Receipt>> of = byIdentity(evidence);
    answered(evidence).stream()
        .filter(w -> w.identity() != null)
        .collect(groupingBy(Write::identity))
        .forEach(
            (identity, writes) -> {
              int updates = of.getOrDefault(identity, List.of()).size();
              if (updates != 1) {
                problems.add("Key " + identity + " is " + updates + " updates.");
              }
              if (writes.stream().map(Write::version).distinct().count() > 1
                  || writes.stream().map(Write::updateId).distinct().count() > 1) {
                problems.add("One key, two answers: " + writes);
              }
            });
    evidence.writes().stream()
        .filter(w -> w.outcome() == Outcome.FAIL && w.identity() != null)
        .filter(
            w ->
                of.getOrDefault(w.identity(), List.of()).stream()
                    .anyMatch(r -> r.state().equals("applied")))
        .forEach(w -> problems.add("Told that it failed, but applied: " + w));
    of.forEach(
        (identity, receipts) -> {
          if (receipts.size() > 1) {
            problems.add("Key " + identity + " is " + receipts.size() + " updates.");
          }
        });
  }

  private static void followed(Evidence evidence, List<String> problems) {
    Map<String, Integer> written = new HashMap<>();
    evidence.outbox().forEach(id -> written.put(id, written.size()));
    Map<String, Integer> place = new HashMap<>();
    Set<String> seen = new HashSet<>();
    Set<String> published = firstDeliveries(evidence).keySet();
    for (Told told : evidence.told()) {
      if (!seen.add(told.id())) {
        problems.add("Told twice: " + told);
      }
      if (!published.contains(told.id())) {
        problems.add("Told, but not published: " + told);
      }
      int at = written.getOrDefault(told.id(), -1);
      if (at < place.getOrDefault(told.dataSource(), -1)) {
        problems.add("Told too late: " + told);
      }
      place.put(told.dataSource(), at);
    }
    published.stream()
        .filter(id -> !seen.contains(id))
        .forEach(id -> problems.add("Published, but not told: " + id));
  }

  /** That it is not read is for {@link #WHOLE}. */
  private static void deleted(Evidence evidence, List<String> problems) {
    Map<String, Long> ended =
        evidence.receipts().stream()
            .filter(r -> r.state().equals("deleted"))
            .collect(groupingBy(Receipt::dataSource, counting()));
    Map<String, List<Write>> asked =
        evidence.writes().stream()
            .filter(w -> w.kind() == Kind.DELETED)
            .collect(groupingBy(Write::dataSource));
    asked.forEach(
        (dataSource, writes) -> {
          long deletes = ended.getOrDefault(dataSource, 0L);
          long known = writes.stream().filter(w -> w.outcome() == Outcome.OK).count();
          long unknown = writes.stream().filter(w -> w.outcome() == Outcome.UNKNOWN).count();
          if (deletes < known || deletes > known + unknown) {
            problems.add(
                dataSource
                    + " was deleted "
                    + deletes
                    + " times; "
                    + known
                    + " were answered, "
                    + unknown
                    + " were not.");
          }
        });
    ended.keySet().stream()
        .filter(dataSource -> !asked.containsKey(dataSource))
        .forEach(dataSource -> problems.add("Nobody asked for the delete of " + dataSource));
    evidence.kept().forEach(version -> problems.add("It has its secrets yet: " + version));
  }

  private static void noLeak(Evidence evidence, List<String> problems) {
    if (!evidence.after().within(evidence.before())) {
      problems.add("Before " + evidence.before() + ", after " + evidence.after());
    }
  }

  private static void oneEffect(Evidence evidence, List<String> problems) {
    evidence.versions().stream()
        .collect(groupingBy(Version::updateId))
        .forEach(
            (id, versions) -> {
              if (versions.size() > 1) {
                problems.add("Update " + id + " made " + versions);
              }
            });
    evidence.delivered().stream()
        .filter(e -> e.version() != null)
        .collect(groupingBy(Event::id))
        .forEach(
            (id, events) -> {
              if (events.stream().map(Event::version).distinct().count() > 1) {
                problems.add("Update " + id + " was announced as two versions.");
              }
            });
    Map<String, String> made =
        evidence.versions().stream()
            .collect(toMap(v -> v.dataSource() + " " + v.number(), Version::updateId, (a, b) -> a));
    evidence.receipts().stream()
        .filter(r -> r.state().equals("applied"))
        .filter(r -> !r.id().equals(made.get(r.dataSource() + " " + r.version())))
        .forEach(r -> problems.add("Another update made the version of " + r));
  }

  private static void noOrphan(Evidence evidence, List<String> problems) {
    evidence.receipts().stream()
        .filter(r -> !Set.of("applied", "deleted", "failed", "dead").contains(r.state()))
        .forEach(r -> problems.add("Still at work: " + r));
  }

  private static void balance(Evidence evidence, List<String> problems) {
    Map<String, Long> states =
        evidence.receipts().stream().collect(groupingBy(Receipt::state, counting()));
    long applied = states.getOrDefault("applied", 0L);
    long failed = states.getOrDefault("failed", 0L);
    if (applied != evidence.versions().size()) {
      problems.add(applied + " applied, but " + evidence.versions().size() + " versions.");
    }
    long deleted = states.getOrDefault("deleted", 0L);
    int ids = firstDeliveries(evidence).size();
    if (applied + deleted + failed != ids) {
      problems.add(
          applied
              + " applied, "
              + deleted
              + " deleted and "
              + failed
              + " failed, but "
              + ids
              + " event ids.");
    }
    evidence.receipts().stream()
        .filter(r -> r.state().equals("dead") && !evidence.deadLetters().contains(r.origin()))
        .forEach(r -> problems.add("No dead letter of " + r));
    Set<String> dead =
        evidence.receipts().stream()
            .filter(r -> r.state().equals("dead"))
            .map(Receipt::origin)
            .filter(Objects::nonNull)
            .collect(toSet());
    evidence.deadLetters().stream()
        .filter(origin -> !dead.contains(origin))
        .forEach(origin -> problems.add("A dead letter of nobody: " + origin));
  }

  private static Collection<Write> answered(Evidence evidence) {
    return evidence.writes().stream().filter(w -> w.outcome() == Outcome.OK).toList();
  }

  private static Map<String, List<Receipt>> byIdentity(Evidence evidence) {
    return evidence.receipts().stream()
        .filter(r -> r.identity() != null)
        .collect(groupingBy(r -> r.identity()));
  }

  private static Map<String, Event> firstDeliveries(Evidence evidence) {
    Map<String, Event> first = new LinkedHashMap<>();
    evidence.delivered().forEach(event -> first.putIfAbsent(event.id(), event));
    return first;
  }
}
