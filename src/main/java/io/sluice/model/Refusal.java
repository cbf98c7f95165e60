package io.sluice.model;

import java.util.List;

/**
 * An update or a request that is not carried out, with everything its sender needs to mend it.
 * Every stage throws this one; {@code routes/00-problems} turns it into the answer of the API in
 * use.
 *
 * <p>The message is a sentence for the sender. It never contains a submitted value.
 */
public final class Refusal extends RuntimeException {
  /** More would make an answer, and an event, larger than what they are about. */
  public static final int MAX_ERRORS = 32;

  private static final long serialVersionUID = 1L;

  /**
   * What is wrong with one field.
   *
   * @param field the field's name as the sender wrote it, cut to 64 characters; an item of a list
   *     has its index behind it, from 0
   */
  public record FieldError(String field, Reason reason, String message) {}

  private final Reason reason;
  private final transient List<FieldError> errors;
  private final transient Report report;
  private final ZohoError zohoError;

  private Refusal(
      Reason reason, String message, List<FieldError> errors, Report report, ZohoError zohoError) {
    super(message, null, false, false);
    this.reason = reason;
    this.errors = List.copyOf(errors);
    this.report = report;
    this.zohoError = zohoError;
  }

  public static Refusal because(Reason reason) {
    return new Refusal(reason, reason.message(), List.of(), null, null);
  }

  /** A sentence of its own, where the catalogue's is too general. */
  public static Refusal because(Reason reason, String message) {
    return new Refusal(reason, message, List.of(), null, null);
  }

  /** For what the Zoho-compatible API tells apart more finely than the reasons do. */
  public static Refusal because(Reason reason, ZohoError zohoError) {
    return new Refusal(reason, zohoError.message(), List.of(), null, zohoError);
  }

  /**
   * @param errors at least one, of which the first {@link #MAX_ERRORS} are told; the first one's
   *     reason is the whole's
   */
  public static Refusal ofFields(List<FieldError> errors) {
    return ofFields(errors, null);
  }

  /**
   * @param errors at least one; the first one's reason is the whole's
   * @param zohoError what the whole reads in the Zoho-compatible API; null: as the reason does
   */
  public static Refusal ofFields(List<FieldError> errors, ZohoError zohoError) {
    List<FieldError> told = errors.stream().limit(MAX_ERRORS).toList();
    FieldError first = told.get(0);
    String message =
        told.size() == 1 ? first.message() : told.size() + " fields need a correction.";
    return new Refusal(first.reason(), message, told, null, zohoError);
  }

  public static Refusal ofField(Reason reason, String field, String message) {
    return ofFields(List.of(new FieldError(field, reason, message)));
  }

  /** The connection test failed. */
  public static Refusal ofTest(Report report) {
    return new Refusal(report.reason(), report.sentence(), List.of(), report, null);
  }

  public Reason reason() {
    return reason;
  }

  public List<FieldError> errors() {
    return errors;
  }

  /** Null unless a connection was tested. */
  public Report report() {
    return report;
  }

  /** Null where the reason alone decides; see {@link ZohoError#of(Refusal)}. */
  public ZohoError zohoError() {
    return zohoError;
  }
}
