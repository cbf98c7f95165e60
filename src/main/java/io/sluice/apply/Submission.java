package io.sluice.apply;

import io.sluice.model.Intake;
import io.sluice.model.Update;
import java.util.Set;
import java.util.UUID;

/**
 * One update on its way through the gate.
 *
 * @param updateId identifies the update, its receipt and its event
 * @param update null until a queued update was decoded
 * @param actor who asked, as it appears in {@code updated_by} and in events
 * @param ifMatch the versions, one of which the sender expects; null: any
 * @param dryRun test and answer, store and publish nothing
 * @param identity the sender's own name for the update, or null
 * @param fence of the lease under which a queued update is worked, or null
 * @param hold whether the change is kept as pending where its test finds the database away
 */
public record Submission(
    UUID updateId,
    Intake intake,
    Operation operation,
    String workspace,
    String id,
    Update update,
    String actor,
    Set<Long> ifMatch,
    boolean dryRun,
    String identity,
    Long fence,
    boolean hold) {

  /** Of an update that fails where its database is away. */
  public Submission(
      UUID updateId,
      Intake intake,
      Operation operation,
      String workspace,
      String id,
      Update update,
      String actor,
      Set<Long> ifMatch,
      boolean dryRun,
      String identity,
      Long fence) {
    this(
        updateId, intake, operation, workspace, id, update, actor, ifMatch, dryRun, identity, fence,
        false);
  }

  /** The exchange property that holds the submission. */
  public static final String PROPERTY = "submission";

  /** The same submission with its decoded update. */
  public Submission carrying(Update decoded) {
    return new Submission(
        updateId, intake, operation, workspace, id, decoded, actor, ifMatch, dryRun, identity,
        fence, hold);
  }

  /** The same submission under a claim that the store has granted. */
  public Submission claimed(UUID claimedId, String claimedIdentity, Long claimedFence) {
    return new Submission(
        claimedId,
        intake,
        operation,
        workspace,
        id,
        update,
        actor,
        ifMatch,
        dryRun,
        claimedIdentity,
        claimedFence,
        hold);
  }

  /** The same submission for the data source that its sender's first attempt was for. */
  public Submission of(String dataSource) {
    return new Submission(
        updateId,
        intake,
        operation,
        workspace,
        dataSource,
        update,
        actor,
        ifMatch,
        dryRun,
        identity,
        fence,
        hold);
  }

  /** What is to happen to the data source. */
  public enum Operation {
    CREATE,
    /** The update replaces the document, except for secrets. */
    UPDATE,
    /** The update changes only what it names (RFC 7396). */
    PATCH
  }
}
