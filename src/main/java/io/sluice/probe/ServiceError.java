package io.sluice.probe;

import io.sluice.model.Field;
import java.util.List;

/** A cloud service's own "no", by its code. Carries nothing else of what the service wrote. */
final class ServiceError extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient List<String> codes;
  private final int status;
  private final Field field;
  private final String hint;

  /**
   * @param status of the HTTP answer
   * @param field the one that the request was about; null: as the driver's rule says
   * @param hint null: as the driver's rule says
   * @param codes as the driver's rules write them, the most specific first
   */
  ServiceError(int status, Field field, String hint, List<String> codes) {
    super(null, null, false, false);
    this.codes = List.copyOf(codes);
    this.status = status;
    this.field = field;
    this.hint = hint;
  }

  List<String> codes() {
    return codes;
  }

  int status() {
    return status;
  }

  Field field() {
    return field;
  }

  String hint() {
    return hint;
  }
}
