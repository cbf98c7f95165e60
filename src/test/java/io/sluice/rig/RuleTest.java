package io.sluice.rig;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.rig.Evidence.Event;
import io.sluice.rig.Evidence.Receipt;
import io.sluice.rig.Evidence.Told;
import io.sluice.rig.Evidence.Version;
import io.sluice.rig.Evidence.Vitals;
import io.sluice.rig.History.Kind;
import io.sluice.rig.History.Outcome;
import io.sluice.rig.History.Read;
import io.sluice.rig.History.Write;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** A rule that finds nothing in forged evidence would prove nothing of a real one. */
final class RuleTest {
  /** True evidence, to be forged: four versions of one data source, a failure, a dead letter. */
  private static final class Draft {
    final List<Write> writes =
        new ArrayList<>(
            List.of(
                write(Kind.PUT, "rig0", null, null, 1L, null),
                write(Kind.KEYED, "rig1", "first:k1", null, 2L, null),
                write(Kind.KEYED, "rig1", "first:k1", null, 2L, null),
                write(Kind.CONDITIONAL, "rig2", null, 2L, 3L, null),
                write(Kind.DEFERRED, "rig0", "first:d1", null, null, "4"),
                write(Kind.RECORD, "rig0", "a/r1", null, null, null),
                write(Kind.REPEATED, "rig0", "a/r1", null, null, null),
                write(Kind.POISON, "rig0", "a/r2", null, null, null),
                new Write(Kind.CREATED, "t", "rig0", "first:c1", null, Outcome.OK, 1L, null),
                delete(Outcome.UNKNOWN),
                delete(Outcome.OK)));
    final List<Read> reads =
        new ArrayList<>(
            List.of(
                new Read("a", 0, 1, "rig0", "rig0", "f0"),
                new Read("a", 0, 2, "rig1", "rig1", "f1"),
                new Read("a", 0, 4, "rig0", "rig0", "f0")));
    final List<Receipt> receipts =
        new ArrayList<>(
            List.of(
                new Receipt("1", "a", "http", null, "applied", 1L, null),
                new Receipt("2", "a", "http", "first:k1", "applied", 2L, null),
                new Receipt("3", "a", "http", null, "applied", 3L, null),
                new Receipt("4", "a", "http", "first:d1", "applied", 4L, null),
                new Receipt("5", "a", "kafka", "a/r1", "failed", null, "t-0-1"),
                new Receipt("6", "a", "kafka", "a/r2", "dead", null, "t-0-2"),
                new Receipt("7", "t", "http", "first:c1", "applied", 1L, null),
                new Receipt("8", "t", "http", null, "deleted", 1L, null)));
    final List<Version> versions =
        new ArrayList<>(
            List.of(
                new Version("a", 1, "rig0", "1"),
                new Version("a", 2, "rig1", "2"),
                new Version("a", 3, "rig2", "3"),
                new Version("a", 4, "rig0", "4"),
                new Version("t", 1, "rig0", "7")));
    final List<Version> live = new ArrayList<>(List.of(new Version("a", 4, "rig0", "4")));
    final List<String> outbox = new ArrayList<>(List.of("1", "2", "3", "7", "4", "8", "5"));
    final List<Event> delivered =
        new ArrayList<>(
            List.of(
                new Event("1", "a", 1L, "one"),
                new Event("2", "a", 2L, "two"),
                new Event("1", "a", 1L, "one"),
                new Event("2", "a", 2L, "two"),
                new Event("3", "a", 3L, "three"),
                new Event("4", "a", 4L, "four"),
                new Event("5", "a", null, "five"),
                new Event("7", "t", 1L, "seven"),
                new Event("8", "t", null, "eight")));
    final List<String> objections = new ArrayList<>();
    final List<Told> told =
        new ArrayList<>(
            List.of(
                new Told("1", "a"),
                new Told("2", "a"),
                new Told("3", "a"),
                new Told("7", "t"),
                new Told("8", "t"),
                new Told("4", "a"),
                new Told("5", "a")));
    final List<String> kept = new ArrayList<>();
    final List<String> deadLetters = new ArrayList<>(List.of("t-0-2"));
    long repeatable = 2;
    Vitals after = new Vitals(102, 20, 301, 0);

    private static Write write(
        Kind kind, String mark, String identity, Long ifMatch, Long version, String updateId) {
      return new Write(kind, "a", mark, identity, ifMatch, Outcome.OK, version, updateId);
    }

    private static Write stale(Long ifMatch) {
      return new Write(Kind.CONDITIONAL, "a", "rig0", null, ifMatch, Outcome.STALE, null, null);
    }

    private static Write delete(Outcome outcome) {
      return new Write(Kind.DELETED, "t", null, null, null, outcome, null, null);
    }

    private static Write failed(String identity) {
      return new Write(Kind.KEYED, "a", "rig1", identity, null, Outcome.FAIL, null, null);
    }

    void receipt(int place, UnaryOperator<Receipt> change) {
      receipts.set(place, change.apply(receipts.get(place)));
    }

    Evidence evidence() {
      return new Evidence(
          writes,
          reads,
          receipts,
          versions,
          live,
          outbox,
          delivered,
          objections,
          told,
          kept,
          deadLetters,
          repeatable,
          new Vitals(100, 20, 300, 3),
          after);
    }
  }

  private static void rejects(Rule rule, Consumer<Draft> forgery) {
    Draft draft = new Draft();
    forgery.accept(draft);
    assertThat(rule.breaches(draft.evidence())).describedAs(rule.name()).isNotEmpty();
  }

  @Test
  void trueEvidenceBreaksNoRule() {
    assertThat(Rule.all(new Draft().evidence())).isEmpty();
  }

  @Test
  void anAnswerThatTheStoreForgotIsRejected() {
    rejects(Rule.DURABLE, d -> d.versions.remove(1));
    rejects(Rule.DURABLE, d -> d.receipts.remove(3));
    rejects(Rule.DURABLE, d -> d.reads.add(new Read("a", 0, 9, "rig0", "rig0", "f0")));
  }

  @Test
  void aRecordThatIsLostOrWorkedTwiceIsRejected() {
    rejects(Rule.RECORDS_ONCE, d -> d.receipts.remove(4));
    rejects(Rule.RECORDS_ONCE, d -> d.receipts.remove(5));
    rejects(
        Rule.RECORDS_ONCE,
        d -> d.receipts.add(new Receipt("7", "a", "kafka", "a/r1", "failed", null, "t-0-3")));
  }

  @Test
  void aMixtureAndAFormerVersionAreRejected() {
    rejects(Rule.WHOLE, d -> d.reads.add(new Read("a", 0, 3, "rig2", "rig1", "f2")));
    rejects(Rule.WHOLE, d -> d.reads.add(new Read("a", 0, 3, "rig1", "rig1", "f1")));
    rejects(Rule.WHOLE, d -> d.reads.add(new Read("a", 0, 2, "rig1", "rig1", "f0")));
    rejects(Rule.WHOLE, d -> d.reads.add(new Read("a", 4, 3, "rig2", "rig2", "f2")));
  }

  @Test
  void settingsThatNeverPassedAreRejected() {
    rejects(Rule.UNTOUCHED, d -> d.versions.add(new Version("a", 5, "never", "5")));
    rejects(Rule.UNTOUCHED, d -> d.reads.add(new Read("a", 0, 4, "never", "never", "f")));
    rejects(Rule.UNTOUCHED, d -> d.live.set(0, new Version("a", 4, "rig2", "4")));
    rejects(Rule.UNTOUCHED, d -> d.live.set(0, new Version("a", 3, "rig2", "3")));
  }

  @Test
  void aLostUpdateIsRejected() {
    rejects(Rule.NO_LOST_UPDATE, d -> d.versions.set(2, new Version("a", 3, "rig1", "3")));
    rejects(
        Rule.NO_LOST_UPDATE,
        d -> d.writes.add(Draft.write(Kind.CONDITIONAL, "rig2", null, 2L, 3L, null)));
    rejects(
        Rule.NO_LOST_UPDATE,
        d -> d.writes.set(3, Draft.write(Kind.CONDITIONAL, "rig2", null, 1L, 3L, null)));
    rejects(Rule.NO_LOST_UPDATE, d -> d.versions.add(new Version("a", 4, "rig2", "7")));
    rejects(Rule.NO_LOST_UPDATE, d -> d.versions.remove(2));
    rejects(Rule.NO_LOST_UPDATE, d -> d.writes.add(Draft.stale(null)));
    rejects(Rule.NO_LOST_UPDATE, d -> d.writes.add(Draft.stale(4L)));
  }

  @Test
  void anEventThatIsMissingForeignOrAnotherTheNextTimeIsRejected() {
    rejects(Rule.ONE_EVENT, d -> d.delivered.removeIf(e -> e.id().equals("2")));
    rejects(Rule.ONE_EVENT, d -> d.delivered.removeIf(e -> e.id().equals("5")));
    rejects(Rule.ONE_EVENT, d -> d.delivered.set(2, new Event("1", "a", 1L, "another")));
    rejects(Rule.ONE_EVENT, d -> d.delivered.add(new Event("9", "a", null, "nobody's")));
    rejects(Rule.ONE_EVENT, d -> d.objections.add("$.reason: is missing"));
    rejects(Rule.ONE_EVENT, d -> d.delivered.set(5, new Event("4", "a", null, "failed")));
  }

  @Test
  void anEventThatOvertakesAnotherIsRejected() {
    rejects(Rule.ORDER, d -> d.delivered.add(0, d.delivered.remove(5)));
    rejects(Rule.ORDER, d -> d.delivered.add(0, d.delivered.remove(6)));
  }

  @Test
  void moreRepeatsThanFaultsExplainAreRejected() {
    rejects(Rule.FEW_REPEATS, d -> d.repeatable = 1);
  }

  @Test
  void aKeyWithTwoEffectsOrTwoAnswersIsRejected() {
    rejects(
        Rule.KEYS_ONCE,
        d -> d.receipts.add(new Receipt("7", "a", "http", "first:k1", "applied", 5L, null)));
    rejects(Rule.KEYS_ONCE, d -> d.receipts.remove(1));
    rejects(Rule.KEYS_ONCE, d -> d.writes.add(Draft.failed("first:k1")));
    rejects(
        Rule.KEYS_ONCE,
        d -> d.writes.add(Draft.write(Kind.KEYED, "rig1", "first:k1", null, 3L, null)));
  }

  @Test
  void aStreamWithAGapARepetitionOrAnotherOrderIsRejected() {
    rejects(Rule.FOLLOWED, d -> d.told.remove(2));
    rejects(Rule.FOLLOWED, d -> d.told.add(new Told("5", "a")));
    rejects(Rule.FOLLOWED, d -> d.told.add(0, d.told.remove(2)));
    rejects(Rule.FOLLOWED, d -> d.told.add(new Told("sluice.gone", "")));
  }

  @Test
  void aDeleteThatIsLostRepeatedOrLeavesASecretIsRejected() {
    rejects(Rule.DELETED, d -> d.receipts.remove(7));
    rejects(Rule.DELETED, d -> d.writes.removeIf(w -> w.kind() == Kind.DELETED));
    rejects(
        Rule.DELETED,
        d -> {
          d.receipts.add(new Receipt("9", "t", "http", null, "deleted", 1L, null));
          d.receipts.add(new Receipt("10", "t", "http", null, "deleted", 1L, null));
        });
    rejects(Rule.DELETED, d -> d.kept.add("t 1"));
  }

  @Test
  void aLeakIsRejected() {
    rejects(Rule.NO_LEAK, d -> d.after = new Vitals(400, 20, 300, 0));
    rejects(Rule.NO_LEAK, d -> d.after = new Vitals(100, 200, 300, 0));
    rejects(Rule.NO_LEAK, d -> d.after = new Vitals(100, 20, 900, 0));
    rejects(Rule.NO_LEAK, d -> d.after = new Vitals(100, 20, 300, 1));
  }

  @Test
  void anUpdateThatTookEffectTwiceIsRejected() {
    rejects(Rule.ONE_EFFECT, d -> d.versions.add(new Version("a", 5, "rig0", "4")));
    rejects(Rule.ONE_EFFECT, d -> d.delivered.add(new Event("4", "a", 5L, "five")));
    rejects(Rule.ONE_EFFECT, d -> d.versions.set(3, new Version("a", 4, "rig0", "3")));
  }

  @Test
  void workThatNobodyEndsIsRejected() {
    for (String state : List.of("pending", "running", "held")) {
      rejects(
          Rule.NO_ORPHAN,
          d ->
              d.receipt(
                  4,
                  r -> new Receipt(r.id(), "a", "kafka", r.identity(), state, null, r.origin())));
    }
  }

  @Test
  void anAnswerThatBlamesTheServiceIsRejected() {
    rejects(
        Rule.NO_FAULT,
        d ->
            d.writes.add(new Write(Kind.KEYED, "a", "rig1", "k", null, Outcome.FAULT, null, null)));
  }

  @Test
  void booksThatDoNotBalanceAreRejected() {
    rejects(Rule.BALANCE, d -> d.delivered.removeIf(e -> e.id().equals("5")));
    rejects(Rule.BALANCE, d -> d.versions.remove(0));
    rejects(Rule.BALANCE, d -> d.deadLetters.clear());
    rejects(Rule.BALANCE, d -> d.deadLetters.add("t-0-9"));
  }
}
