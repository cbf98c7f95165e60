package io.sluice.model;

/**
 * The failures of the Zoho-compatible API: code, constant, HTTP status and text. Where Zoho's
 * public pages give a constant its spelling is kept, mistakes included, since clients compare it.
 */
public enum ZohoError {
  COMMON_INTERNAL_SERVER_ERROR(
      7005, 500, "Something went wrong in the server. Please try again later."),
  META_OBJECT_NOT_PRESENT(7103, 404, "The workspace does not exist in the specified organization."),
  SECURITY_NOT_PERMITTED(
      7301, 403, "You do not have the permission to do this operation in the workspace."),
  EMPTY_JSON_CONFIGURATION(8077, 400, "The CONFIG parameter is empty."),
  EMPTY_JSON_ATTRIBUTE_FOUND(8078, 400, "A mandatory attribute of CONFIG is empty."),
  ATTRIBUTE_NOT_PRESENT_IN_JSON_CONFIGURATION(
      8079, 400, "A mandatory attribute is missing in CONFIG."),
  INVALID_JSON_CONFIGURATION(
      8080, 400, "CONFIG is not a valid JSON object, or has an unknown attribute."),
  ORGID_NOT_PRESENT_IN_THE_HEADER(8083, 400, "The header ZANALYTICS-ORGID is missing."),
  LESS_THAN_MIN_OCCURANCE(8504, 400, "The CONFIG parameter is missing."),
  MORE_THAN_MAX_LENGTH(8507, 400, "The value of an attribute is too long."),
  UNABLE_TO_PARSE_DATA_TYPE(8516, 400, "The value of an attribute has a wrong data type."),
  INVALID_AUTHENTICATION(
      8518, 401, "The header Authorization is missing, or its scheme is not Zoho-oauthtoken."),
  INVALID_OAUTHTOKEN(8535, 401, "The OAuth token is invalid, expired, or lacks the scope."),
  CANNOT_CONNECT_ENDPOINT(
      18011,
      400,
      "Cannot connect to specified Endpoint. Please check the specified Endpoint is correct and"
          + " try again."),
  LOGIN_FAILED(
      18040, 400, "Login failed for specified user. Please check the username and password."),
  DATABASE_NOT_PRESENT(
      18041, 400, "Provided database does not exist. Please check the details provided."),
  S3_OUTPUT_LOCATION_NOT_REACHABLE(
      18042, 400, "Cannot connect to the specified S3 Output Location."),
  REGION_NOT_REACHABLE(18043, 400, "Cannot connect to the specified region."),
  WAREHOUSE_NOT_PRESENT(18044, 400, "The specified warehouse does not exist or is suspended."),
  DBTYPE_SERVICENAME_NOTMACHED(18055, 400, "The databaseType does not fit the serviceName."),
  NO_SOURCE_AVAILABLE_FOR_TABLE(18056, 400, "The data source has no connection yet."),
  INVALID_CLOUD_SERVICENAME(18057, 400, "The serviceName is not known."),
  CONNECTION_NOT_ESTABLISHED(
      18060, 400, "The connection cannot be established. Please check the details provided."),
  CONNECTION_ID_NOT_ASSOSIATED_FOR_WORKSPACE(
      18061, 404, "The data source does not exist in the specified workspace.");

  private final int code;
  private final int httpStatus;
  private final String message;

  ZohoError(int code, int httpStatus, String message) {
    this.code = code;
    this.httpStatus = httpStatus;
    this.message = message;
  }

  /** What a refusal reads in the Zoho-compatible API: its own error, else its reason's. */
  public static ZohoError of(Refusal refusal) {
    return refusal.zohoError() == null ? of(refusal.reason()) : refusal.zohoError();
  }

  /**
   * The error of a reason, for all that has no finer one. What Zoho has no code for (conflicts, and
   * anything else that a test finds) reads 18060.
   */
  public static ZohoError of(Reason reason) {
    return switch (reason) {
      case POLICY_DENIED,
          UNKNOWN_HOST,
          CONNECTION_REFUSED,
          UNREACHABLE,
          TIMEOUT,
          SSH_UNREACHABLE,
          SSH_HOST_KEY_UNKNOWN,
          SSH_HOST_KEY_CHANGED,
          SSH_AUTH_FAILED,
          SSH_FORWARD_REFUSED,
          TLS_NOT_OFFERED,
          TLS_UNTRUSTED,
          TLS_EXPIRED,
          TLS_HOSTNAME_MISMATCH,
          TLS_CLIENT_CERT_REFUSED ->
          CANNOT_CONNECT_ENDPOINT;
      // The guard stands for the refusal that it remembers: a client sees no difference.
      case AUTH_FAILED, LOCKOUT_GUARD -> LOGIN_FAILED;
      case DATABASE_NOT_FOUND -> DATABASE_NOT_PRESENT;
      case OUTPUT_LOCATION_UNREACHABLE -> S3_OUTPUT_LOCATION_NOT_REACHABLE;
      case REGION_UNREACHABLE -> REGION_NOT_REACHABLE;
      case WAREHOUSE_NOT_FOUND -> WAREHOUSE_NOT_PRESENT;
      case PROTOCOL_MISMATCH,
          PERMISSION_DENIED,
          TOO_MANY_CONNECTIONS,
          REDIRECT_REFUSED,
          DRIVER_UNSUPPORTED,
          KEY_REUSED,
          ALREADY_EXISTS,
          UPDATE_IN_PROGRESS,
          VERSION_MISMATCH,
          SUPERSEDED,
          CANCELLED ->
          CONNECTION_NOT_ESTABLISHED;
      case MALFORMED_BODY, DUPLICATE_FIELD, UNKNOWN_FIELD -> INVALID_JSON_CONFIGURATION;
      case MISSING_FIELD, SECRET_REENTRY_REQUIRED -> ATTRIBUTE_NOT_PRESENT_IN_JSON_CONFIGURATION;
      case INVALID_FIELD -> UNABLE_TO_PARSE_DATA_TYPE;
      case BODY_TOO_LARGE, URI_TOO_LONG, HEADERS_TOO_LARGE -> MORE_THAN_MAX_LENGTH;
      case UNSUPPORTED_MEDIA_TYPE -> LESS_THAN_MIN_OCCURANCE;
      case FORBIDDEN, SCOPE_MISSING -> INVALID_OAUTHTOKEN;
      case NOT_FOUND -> CONNECTION_ID_NOT_ASSOSIATED_FOR_WORKSPACE;
      case METHOD_NOT_ALLOWED -> META_OBJECT_NOT_PRESENT;
      case OVERLOADED, STORE_UNAVAILABLE, INTERNAL -> COMMON_INTERNAL_SERVER_ERROR;
    };
  }

  /** Whether Zoho has no code for the reason, so that its error's own text would mislead. */
  public static boolean lacks(Reason reason) {
    return reason.category() == Reason.Category.CONFLICT
        || reason == Reason.KEY_REUSED
        || reason == Reason.METHOD_NOT_ALLOWED;
  }

  /** The answer's {@code data.errorCode}. */
  public int code() {
    return code;
  }

  /** The answer's {@code summary}. */
  public String summary() {
    return name();
  }

  public int httpStatus() {
    return httpStatus;
  }

  /** The answer's {@code data.errorMessage}, where the refusal has no sentence of its own. */
  public String message() {
    return message;
  }
}
