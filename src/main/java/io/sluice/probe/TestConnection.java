package io.sluice.probe;

import io.sluice.model.Connection;
import io.sluice.probe.Prober.Extent;
import io.sluice.secrets.Redaction;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import org.apache.camel.AsyncCallback;
import org.apache.camel.Exchange;
import org.apache.camel.support.AsyncProcessorSupport;
import org.apache.camel.support.SynchronizationAdapter;

/**
 * The step of {@code routes/40-test-connection}: tests the body, whole and guarded where nothing
 * else is asked for. No thread of the route waits for the target; what comes after the test goes on
 * where it ended.
 */
public final class TestConnection extends AsyncProcessorSupport {
  private final Prober prober;

  public TestConnection(Prober prober) {
    this.prober = prober;
  }

  @Override
  public boolean process(Exchange exchange, AsyncCallback callback) {
    CompletableFuture<Tested> tested;
    try {
      Connection connection = exchange.getMessage().getBody(Connection.class);
      scrubUntilDone(connection, exchange);
      run(exchange, Prober.BEGINS);
      tested =
          prober.begin(
              connection,
              Objects.requireNonNullElse(
                  exchange.getProperty(Extent.PROPERTY, Extent.class), Extent.WHOLE),
              exchange.getProperty(Prober.FORCED, false, Boolean.class),
              exchange.getProperty(Prober.BACKGROUND, false, Boolean.class)
                  ? null
                  : exchange.getProperty(Prober.SENDER, "", String.class),
              since(exchange),
              () -> run(exchange, Prober.ASIDE));
    } catch (RuntimeException | Error e) {
      // Most of Camel's threads end with an error, and with them what they would have worked.
      exchange.setException(e);
      callback.done(true);
      return true;
    }
    if (tested.isDone()) {
      exchange.getMessage().setBody(tested.join());
      callback.done(true);
      return true;
    }
    CompletableFuture<Void> unused =
        tested.thenAccept(
            outcome -> {
              exchange.getMessage().setBody(outcome);
              callback.done(false);
            });
    return false;
  }

  /** From here on secrets are handed around: none of them may leave in a text by accident. */
  private static void scrubUntilDone(Connection connection, Exchange exchange) {
    Redaction.Scope scope = Redaction.open(connection.secrets());
    exchange
        .getExchangeExtension()
        .addOnCompletion(
            new SynchronizationAdapter() {
              @Override
              public void onDone(Exchange done) {
                scope.close();
              }
            });
  }

  /** Nobody has waited for the test of a further round yet. */
  private static long since(Exchange exchange) {
    return exchange.removeProperty(Prober.SINCE) instanceof Long since ? since : System.nanoTime();
  }

  private static void run(Exchange exchange, String property) {
    Runnable what = exchange.getProperty(property, Runnable.class);
    if (what != null) {
      what.run();
    }
  }
}
