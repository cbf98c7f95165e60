package io.sluice.accept;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.decode.ConfigKeys;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Report;
import io.sluice.model.ZohoError;
import io.sluice.store.StoreFailure;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.ExchangeProperty;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes answers and, in {@code routes/00-problems}, turns failures into them: the native error
 * shape, RFC 9457 where it is asked for, or Zoho's envelope. Nothing internal gets into any of
 * them.
 */
public final class Answers {
  private static final Logger LOG = LoggerFactory.getLogger(Answers.class);
  private static final String JSON_TYPE = "application/json";
  private static final String ZOHO_JSON_TYPE = "application/json;charset=UTF-8";
  private static final String PROBLEM_TYPE = "application/problem+json";
  private static final String RETRY_AFTER_SECONDS = "1";

  private final ObjectMapper json;

  public Answers(ObjectMapper json) {
    this.json = json;
  }

  public HttpAnswer ok(JsonNode body) {
    return json(200, body, Map.of());
  }

  /** A success of the Zoho-compatible API, under the content type of all that this one answers. */
  HttpAnswer zoho(JsonNode body) {
    return new HttpAnswer(200, ZOHO_JSON_TYPE, bytes(body), Map.of());
  }

  HttpAnswer json(int status, JsonNode body, Map<String, String> headers) {
    return new HttpAnswer(status, JSON_TYPE, bytes(body), headers);
  }

  /** The answer to whatever a route threw. */
  public HttpAnswer problem(
      @ExchangeProperty(HttpRequest.PROPERTY) HttpRequest request,
      @ExchangeProperty(Caller.PROPERTY) Caller caller,
      @ExchangeProperty(Exchange.EXCEPTION_CAUGHT) Exception caught,
      Exchange exchange) {
    if (caught instanceof Refusal refusal) {
      return IdempotencyKeys.marked(refused(request, disguised(refusal, caller)), exchange);
    }
    if (StoreFailure.isOutage(caught)) {
      LOG.atWarn().addKeyValue("request", request.id()).log("The store does not answer.");
      return refused(request, Refusal.because(Reason.STORE_UNAVAILABLE));
    }
    LOG.atError()
        .addKeyValue("request", request.id())
        .setCause(caught)
        .log("A request failed unexpectedly.");
    return internal(request);
  }

  /** Without the scope for diagnostics, a refused address and an unknown name look alike. */
  private static Refusal disguised(Refusal refusal, Caller caller) {
    Report report = refusal.report();
    if (report == null) {
      return refusal;
    }
    Report shown = Caller.shown(report, caller);
    return shown.equals(report) ? refusal : Refusal.ofTest(shown);
  }

  HttpAnswer badAddress(HttpRequest request) {
    return refused(
        request,
        Refusal.because(Reason.MALFORMED_BODY, "The address is not percent-encoded correctly."));
  }

  HttpAnswer noSuchResource(HttpRequest request) {
    return refused(request, Refusal.because(Reason.NOT_FOUND));
  }

  HttpAnswer methodNotAllowed(HttpRequest request, String allow) {
    HttpAnswer answer = refused(request, Refusal.because(Reason.METHOD_NOT_ALLOWED));
    return new HttpAnswer(
        answer.status(), answer.contentType(), answer.body(), Map.of("Allow", allow));
  }

  HttpAnswer internal(HttpRequest request) {
    return refused(request, Refusal.because(Reason.INTERNAL));
  }

  HttpAnswer refused(HttpRequest request, Refusal refusal) {
    Map<String, String> headers = new LinkedHashMap<>();
    if (refusal.reason().category() == Reason.Category.OVERLOAD
        || refusal.reason() == Reason.UPDATE_IN_PROGRESS) {
      headers.put("Retry-After", RETRY_AFTER_SECONDS);
    }
    if (request.zoho()) {
      ZohoError error = ZohoError.of(refusal);
      int zohoStatus =
          refusal.reason().category() == Reason.Category.OVERLOAD
              ? refusal.reason().httpStatus()
              : error.httpStatus();
      return new HttpAnswer(zohoStatus, ZOHO_JSON_TYPE, bytes(zohoBody(error, refusal)), headers);
    }
    int status = refusal.reason().httpStatus();
    boolean problem = request.header("accept").filter(a -> a.contains(PROBLEM_TYPE)).isPresent();
    ObjectNode body = json.createObjectNode();
    if (problem) {
      body.put(
          "type",
          "urn:sluice:" + refusal.reason().name().toLowerCase(Locale.ROOT).replace('_', '-'));
      body.put("title", refusal.reason().message());
      body.put("status", status);
      body.put("detail", sentence(refusal));
    } else {
      body.put("code", status).put("message", sentence(refusal));
    }
    if (refusal.reason() != Reason.INTERNAL) {
      body.put("reason", refusal.reason().name());
      if (!refusal.errors().isEmpty()) {
        body.set("errors", json.valueToTree(refusal.errors()));
      }
      if (refusal.report() != null) {
        body.set("report", json.valueToTree(refusal.report()));
      }
    }
    body.put("request_id", request.id());
    return new HttpAnswer(status, problem ? PROBLEM_TYPE : JSON_TYPE, bytes(body), headers);
  }

  /** What is wrong and, where the answer does not go into details, what to do about it. */
  private static String sentence(Refusal refusal) {
    boolean detailed = refusal.report() != null || !refusal.errors().isEmpty();
    return detailed || refusal.reason().hint() == null
        ? refusal.getMessage()
        : refusal.getMessage() + " " + refusal.reason().hint();
  }

  private ObjectNode zohoBody(ZohoError error, Refusal refusal) {
    ObjectNode body = json.createObjectNode().put("status", "failure");
    body.put("summary", error.summary());
    ObjectNode data = body.putObject("data");
    data.put("errorCode", error.code());
    if (refusal.errors().isEmpty()) {
      data.put(
          "errorMessage", ZohoError.lacks(refusal.reason()) ? sentence(refusal) : error.message());
    } else {
      JsonNode errors = renamed(json.valueToTree(refusal.errors()));
      data.put("errorMessage", String.join(" ", errors.findValuesAsText("message")));
      data.set("errors", errors);
    }
    if (refusal.report() != null) {
      JsonNode report = json.valueToTree(refusal.report());
      renamed(report.path("steps"));
      data.set("report", report);
    }
    return body;
  }

  /** Says of each of these what CONFIG calls the fields. */
  private static JsonNode renamed(JsonNode entries) {
    for (JsonNode each : entries) {
      ObjectNode entry = (ObjectNode) each;
      String field = entry.path("field").textValue();
      if (field != null) {
        entry.put("field", ConfigKeys.named(field));
      }
      String last = entry.has("hint") ? "hint" : "message";
      for (String words : List.of("message", "hint")) {
        String sentence = entry.path(words).textValue();
        if (sentence != null) {
          String way = words.equals(last) ? ConfigKeys.wayAround(sentence, field) : "";
          entry.put(words, ConfigKeys.inWords(sentence, field) + way);
        }
      }
      renamed(entry.path("warnings"));
    }
    return entries;
  }

  private byte[] bytes(JsonNode body) {
    try {
      return json.writeValueAsString(body).getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("An answer cannot be written.", e);
    }
  }
}
