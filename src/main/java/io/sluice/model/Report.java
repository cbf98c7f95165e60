package io.sluice.model;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonValue;
import java.time.Instant;
import java.util.List;

/**
 * What a connection test found, step by step: one shape in responses, events and history. Its texts
 * come from the catalogue, never from the peer.
 *
 * @param reason why it failed; null when it passed
 * @param durationMs the whole test, in milliseconds
 * @param target driver, host, port and database, without credentials
 */
@JsonInclude(JsonInclude.Include.NON_NULL)
public record Report(
    Status status,
    Reason reason,
    long durationMs,
    Instant testedAt,
    String target,
    List<Step> steps) {

  public Report {
    steps = List.copyOf(steps);
  }

  public boolean passed() {
    return status == Status.PASSED;
  }

  /** How a step, or the whole, ended. */
  public enum Status {
    @JsonProperty("passed")
    PASSED,
    @JsonProperty("failed")
    FAILED,
    @JsonProperty("skipped")
    SKIPPED
  }

  /** The steps of a test, in the order in which they are taken. */
  public enum Name {
    POLICY("policy"),
    DNS("dns"),
    TCP("tcp"),
    SSH_CONNECT("ssh.connect"),
    SSH_HOSTKEY("ssh.hostkey"),
    SSH_AUTH("ssh.auth"),
    SSH_FORWARD("ssh.forward"),
    TLS("tls"),
    LOGIN("login"),
    DATABASE("database"),
    QUERY("query");

    private final String wireName;

    Name(String wireName) {
      this.wireName = wireName;
    }

    @JsonValue
    public String wireName() {
      return wireName;
    }
  }

  /**
   * A certificate of which the connection depends ends soon, or an authority's has ended.
   *
   * @param certificate whose it is: {@code server}, {@code authority} or {@code client}
   * @param field the field to look at, by its name in the native API
   * @param daysLeft a day that has begun counts as one; negative when it has ended
   * @param fingerprint SHA-256 in hexadecimal, to tell it from others of its kind
   */
  public record Warning(
      String certificate, String field, long daysLeft, String fingerprint, String message) {}

  /** What the failed step says in a sentence; null when the test passed. */
  public String sentence() {
    return steps.stream()
        .filter(step -> step.status() == Status.FAILED)
        .map(Step::message)
        .findFirst()
        .orElse(reason == null ? null : reason.message());
  }

  /**
   * One step. Everything but name and status may be null.
   *
   * @param durationMs in milliseconds
   * @param field the field to look at, by its name in the native API
   * @param retryable whether the same settings may pass later
   * @param hint what to do; may hold a few short names of the peer's certificate, as plain letters
   * @param detail a fact worth knowing, such as the TLS version; never text of the peer's choosing
   * @param warnings what will fail soon, of a step that passed; null: nothing
   */
  @JsonInclude(JsonInclude.Include.NON_NULL)
  public record Step(
      Name step,
      Status status,
      Long durationMs,
      Reason reason,
      String field,
      Boolean retryable,
      String message,
      String hint,
      String detail,
      List<Warning> warnings) {

    public static Step passed(Name name, long durationMs, String detail) {
      return passed(name, durationMs, detail, List.of());
    }

    public static Step passed(Name name, long durationMs, String detail, List<Warning> warnings) {
      return new Step(
          name,
          Status.PASSED,
          durationMs,
          null,
          null,
          null,
          null,
          null,
          detail,
          warnings.isEmpty() ? null : List.copyOf(warnings));
    }

    public static Step skipped(Name name) {
      return new Step(name, Status.SKIPPED, null, null, null, null, null, null, null, null);
    }

    /**
     * A failure, with the catalogue's texts. {@code hint} replaces the catalogue's when not null.
     */
    public static Step failed(Name name, long durationMs, Reason reason, Field field, String hint) {
      String where = field == null ? null : field.wireName();
      return failed(name, durationMs, reason, where, null, hint, reason.retryable());
    }

    /** A failure; where {@code field}, {@code message} or {@code hint} is null, the catalogue's. */
    public static Step failed(
        Name name,
        long durationMs,
        Reason reason,
        String field,
        String message,
        String hint,
        boolean retryable) {
      String usual = reason.field() == null ? null : reason.field().wireName();
      return new Step(
          name,
          Status.FAILED,
          durationMs,
          reason,
          field == null ? usual : field,
          retryable,
          message == null ? reason.message() : message,
          hint == null ? reason.hint() : hint,
          null,
          null);
    }
  }
}
