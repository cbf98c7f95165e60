package io.sluice.publish;

/** The types of the published events: contract section 4. */
public enum EventType {
  CREATED("sluice.datasource.created"),
  UPDATED("sluice.datasource.updated"),
  UPDATE_FAILED("sluice.datasource.update-failed"),
  DELETED("sluice.datasource.deleted"),
  UNREACHABLE("sluice.datasource.unreachable"),
  RECOVERED("sluice.datasource.recovered"),
  CERTIFICATE_EXPIRING("sluice.datasource.certificate-expiring");

  private final String wireName;

  EventType(String wireName) {
    this.wireName = wireName;
  }

  public String wireName() {
    return wireName;
  }
}
