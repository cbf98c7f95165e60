package io.sluice.publish;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.store.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.camel.Body;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.apache.camel.Message;
import org.apache.camel.component.kafka.KafkaConstants;
import org.apache.camel.support.DefaultMessage;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The steps of {@code routes/60-publish-events}: the waiting events as Kafka records, a batch at a
 * time. The topic and key of a record come from its row and from nowhere else.
 */
public final class Outbox {
  private static final Logger LOG = LoggerFactory.getLogger(Outbox.class);
  private static final String CLAIMED = "claimed";
  private static final TypeReference<Map<String, String>> HEADERS = new TypeReference<>() {};

  /** One publisher among the instances that share a store. */
  private final String owner = UUID.randomUUID().toString();

  private final ObjectMapper json;
  private final int batch;
  private final Duration lease;
  private volatile boolean failing;

  /**
   * @param batch events per delivery, which a crash may repeat
   * @param lease for so long this instance stays the publisher without a sign of life
   */
  public Outbox(ObjectMapper json, int batch, Duration lease) {
    this.json = json;
    this.batch = batch;
    this.lease = lease;
  }

  /** Whether the last batch was full, so that there may be more. */
  public boolean more(Exchange exchange) {
    List<?> claimed = exchange.getProperty(CLAIMED, List.class);
    return claimed == null || claimed.size() == batch;
  }

  public Statement claim() {
    return Statement.named("claim-outbox")
        .with("owner", owner)
        .with("lease", lease.toMillis())
        .with("limit", batch);
  }

  /** The rows as messages, in their order. */
  public List<Message> records(@Body List<Map<String, Object>> rows, Exchange exchange)
      throws JsonProcessingException {
    exchange.setProperty(CLAIMED, rows);
    List<Message> records = new ArrayList<>(rows.size());
    for (Map<String, Object> row : rows) {
      Message message = new DefaultMessage(exchange.getContext());
      message.setBody(row.get("body"));
      message.setHeader(KafkaConstants.OVERRIDE_TOPIC, row.get("topic"));
      if (row.get("record_key") != null) {
        message.setHeader(KafkaConstants.KEY, row.get("record_key"));
      }
      json.readValue((String) row.get("headers"), HEADERS).forEach(message::setHeader);
      records.add(message);
    }
    return records;
  }

  public boolean any(@ExchangeProperty(CLAIMED) List<?> claimed) {
    return !claimed.isEmpty();
  }

  /** The broker has them all. */
  public Statement published(@ExchangeProperty(CLAIMED) List<Map<String, Object>> claimed) {
    if (failing) {
      failing = false;
      LOG.atInfo().log("Events are published again.");
    }
    return Statement.named("mark-published")
        .with(
            "seqs",
            claimed.stream().map(r -> r.get("seq").toString()).collect(Collectors.joining(",")));
  }

  /** Nothing is lost: the rows are still unpublished, and the next tick tries again. */
  public void failed(@ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception caught) {
    if (!failing) {
      failing = true;
      LOG.atWarn()
          .addKeyValue("failure", caught.getClass().getName())
          .log("Events cannot be published now; they wait in the outbox.");
    }
  }
}
