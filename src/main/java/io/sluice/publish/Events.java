package io.sluice.publish;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.Intake;
import io.sluice.model.Reason;
import io.sluice.model.Refusal.FieldError;
import io.sluice.model.Report;
import io.sluice.store.Statement;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Collection;
import java.util.List;
import java.util.UUID;

/**
 * Writes CloudEvents 1.0 in Kafka's binary mode (CloudEvents Kafka protocol binding, section 3.2):
 * attributes as {@code ce_} headers, the data as the value. An event is written once, so that every
 * delivery of it has the same bytes.
 */
public final class Events {
  private static final String ATTRIBUTE = "ce_";

  private final ObjectMapper json;
  private final String source;
  private final String topic;

  /**
   * @param source the URI of this installation, the events' {@code source}
   * @param topic where events go
   */
  public Events(ObjectMapper json, String source, String topic) {
    this.json = json;
    this.source = source;
    this.topic = topic;
  }

  /**
   * What happened to a data source.
   *
   * @param updateId the update and the event; where the monitor noticed something by itself, the
   *     event alone
   * @param version the live version after the event; null where there is none
   * @param changed names of fields, never values
   * @param report null where no connection was tested
   * @param reason null after a success
   * @param errors what is wrong field by field, where the update was refused for that
   */
  public record Happening(
      EventType type,
      UUID updateId,
      String dataSource,
      Long version,
      Intake intake,
      String actor,
      Collection<String> changed,
      Report report,
      Reason reason,
      String message,
      List<FieldError> errors,
      Instant time) {

    /** One that no single field is to blame for. */
    public Happening(
        EventType type,
        UUID updateId,
        String dataSource,
        Long version,
        Intake intake,
        String actor,
        Collection<String> changed,
        Report report,
        Reason reason,
        String message,
        Instant time) {
      this(
          type,
          updateId,
          dataSource,
          version,
          intake,
          actor,
          changed,
          report,
          reason,
          message,
          List.of(),
          time);
    }
  }

  /** Adds the event to the statement that makes it true. */
  public Statement in(Statement statement, Happening happening) {
    return statement
        .with("topic", topic)
        .with("key", happening.dataSource().getBytes(StandardCharsets.UTF_8))
        .with("headers", headers(happening))
        .with("body", body(happening));
  }

  /**
   * Adds one of several events of a statement; its parameters begin with its role.
   *
   * @param happening null: the statement makes nothing of this kind true
   */
  public Statement in(Statement statement, String role, Happening happening) {
    return statement
        .with("topic", topic)
        .with(role + "Id", happening == null ? null : happening.updateId().toString())
        .with(role + "Headers", happening == null ? null : headers(happening))
        .with(role + "Body", happening == null ? null : body(happening));
  }

  /**
   * The structured form of an event (CloudEvents JSON format, section 3): its attributes beside the
   * data.
   *
   * @param headers and body as {@link #in} put them into a statement
   */
  public static ObjectNode structured(ObjectMapper json, String headers, byte[] body)
      throws IOException {
    ObjectNode event = json.createObjectNode();
    json.readTree(headers)
        .properties()
        .forEach(
            header ->
                event.set(
                    header.getKey().startsWith(ATTRIBUTE)
                        ? header.getKey().substring(ATTRIBUTE.length())
                        : "datacontenttype",
                    header.getValue()));
    event.set("data", json.readTree(body));
    return event;
  }

  private String headers(Happening happening) {
    return json.createObjectNode()
        .put("ce_specversion", "1.0")
        .put("ce_id", happening.updateId().toString())
        .put("ce_source", source)
        .put("ce_type", happening.type().wireName())
        .put("ce_subject", happening.dataSource())
        .put("ce_time", happening.time().toString())
        .put("content-type", "application/json")
        .toString();
  }

  private byte[] body(Happening happening) {
    ObjectNode data =
        json.createObjectNode()
            .put("id", happening.dataSource())
            .put("intake", happening.intake().wireName())
            .put("actor", happening.actor());
    if (happening.intake() != Intake.MONITOR) {
      data.put("updateId", happening.updateId().toString());
    }
    if (happening.version() != null) {
      data.put("version", happening.version());
    }
    data.set("changed", json.valueToTree(happening.changed()));
    if (happening.reason() != null) {
      data.put("reason", happening.reason().name()).put("message", happening.message());
    }
    if (!happening.errors().isEmpty()) {
      data.set("errors", json.valueToTree(happening.errors()));
    }
    if (happening.report() != null) {
      data.set("report", json.valueToTree(happening.report()));
    }
    try {
      return json.writeValueAsBytes(data);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("An event cannot be written.", e);
    }
  }
}
