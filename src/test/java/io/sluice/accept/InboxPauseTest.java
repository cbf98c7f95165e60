package io.sluice.accept;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.accept.Inbox.Ticket;
import io.sluice.apply.Gate;
import io.sluice.apply.Submission;
import io.sluice.apply.Submission.Operation;
import io.sluice.model.Intake;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.camel.Exchange;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.Test;

/** How long an update pauses that came when there was no place for it. */
final class InboxPauseTest {
  private final Inbox inbox =
      new Inbox(null, null, null, null, 1, Duration.ofSeconds(1), Duration.ofSeconds(1));

  private static Ticket ticket() {
    Submission submission =
        new Submission(
            UUID.randomUUID(),
            Intake.KAFKA,
            Operation.UPDATE,
            "workspace",
            "id",
            null,
            "actor",
            null,
            false,
            "identity",
            1L,
            false);
    return new Ticket(submission, null, 1, 0);
  }

  private long refused(Ticket ticket, Reason reason) {
    return refused(ticket, reason, null);
  }

  private long refused(Ticket ticket, Reason reason, String target) {
    Exchange exchange = new DefaultExchange(new DefaultCamelContext());
    exchange.setProperty(Gate.TARGET, target);
    Object pause =
        inbox.refused(ticket, null, Refusal.because(reason), exchange).parameters().get("pause");
    inbox.done(
        ticket,
        exchange.getProperty("released", Boolean.class),
        null,
        exchange.getProperty(Gate.TARGET, String.class));
    return (Long) pause;
  }

  @Test
  void thePauseOfAnUpdateGrowsUntilTheUpdateEnds() {
    Ticket ticket = ticket();
    List<Long> pauses = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      pauses.add(refused(ticket, Reason.OVERLOADED));
    }
    assertThat(pauses).containsExactly(1000L, 2000L, 4000L, 8000L, 15_000L, 15_000L);
    assertThat(refused(ticket(), Reason.OVERLOADED)).isEqualTo(1000);

    inbox.done(ticket, null, null, null);
    assertThat(refused(ticket, Reason.OVERLOADED)).isEqualTo(1000);
  }

  @Test
  void whileTheStoreIsAwayNoPauseGrows() {
    Ticket ticket = ticket();
    refused(ticket, Reason.STORE_UNAVAILABLE);
    assertThat(refused(ticket, Reason.STORE_UNAVAILABLE)).isEqualTo(1000);
  }

  @Test
  void whenATestLeavesItsTargetTheUpdateThatHasWaitedLongestForThatIsCalledAndNoOther()
      throws Exception {
    Ticket first = ticket();
    Ticket second = ticket();
    refused(first, Reason.OVERLOADED, "here:1");
    refused(ticket(), Reason.OVERLOADED, "there:1");
    refused(second, Reason.OVERLOADED, "here:1");
    assertThat(called()).isEmpty();

    inbox.done(ticket(), null, null, "here:1");
    assertThat(called()).containsExactly(lease(first));
    inbox.done(ticket(), null, null, "here:1");
    assertThat(called()).containsExactlyInAnyOrder(lease(first), lease(second));
    inbox.done(ticket(), null, null, "here:1");
    assertThat(called()).hasSize(2);
  }

  @Test
  void theRowsOfAnEndWithoutAClaimBringNoFurtherUpdate() {
    Ticket ticket = ticket();
    ticket.stays().set(true);
    List<Map<String, Object>> ended = List.of(Map.of("id", UUID.randomUUID()));
    assertThat(inbox.done(ticket, null, ended, null)).isEmpty();
  }

  private static String lease(Ticket ticket) {
    return ticket.submission().updateId() + ":" + ticket.submission().fence();
  }

  private List<String> called() throws InterruptedException {
    Exchange exchange = new DefaultExchange(new DefaultCamelContext());
    String called = (String) inbox.claim(exchange).parameters().get("called");
    return called.isEmpty() ? List.of() : List.of(called.split(","));
  }
}
