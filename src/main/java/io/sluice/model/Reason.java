package io.sluice.model;

/**
 * The one catalogue of failures: a stable code, whose move it is, the HTTP status, the field to
 * look at, and the texts. Every API, event and metric takes them from here.
 */
public enum Reason {
  // What the connection test can find: a closed set, contract section 2.
  POLICY_DENIED(
      Category.TEST,
      422,
      Field.HOST,
      false,
      "The destination is not allowed by this service's egress policy.",
      "Ask the operator to allow the address, or use another host."),
  UNKNOWN_HOST(
      Category.TEST,
      422,
      Field.HOST,
      true,
      "The host name does not resolve.",
      "Check the spelling, and that this service's resolver knows the name."),
  CONNECTION_REFUSED(
      Category.TEST,
      422,
      Field.PORT,
      true,
      "The host answers, but nothing listens on the port.",
      "Check the port, and that the server is running."),
  UNREACHABLE(
      Category.TEST,
      422,
      Field.HOST,
      true,
      "There is no network path to the host, the connection was cut, or the server cannot serve"
          + " now.",
      "Check routes and firewalls between this service and the host."),
  TIMEOUT(
      Category.TEST,
      422,
      Field.HOST,
      true,
      "The server did not answer in time.",
      "A firewall that drops packets or an overloaded server looks like this."),
  PROTOCOL_MISMATCH(
      Category.TEST,
      422,
      Field.DRIVER,
      false,
      "Something answers on the port, but not as this driver expects it.",
      "Check that driver and port belong together."),
  SSH_UNREACHABLE(
      Category.TEST,
      422,
      Field.SSH_HOST,
      true,
      "The SSH bastion cannot be reached.",
      "Check sshHost and sshPort, and that an SSH server listens there."),
  SSH_HOST_KEY_UNKNOWN(
      Category.TEST,
      422,
      Field.SSH_HOST_KEY,
      false,
      "The bastion's host key has not been approved.",
      "Compare the fingerprint with the server's and send it as sshHostKey."),
  SSH_HOST_KEY_CHANGED(
      Category.TEST,
      422,
      Field.SSH_HOST_KEY,
      false,
      "The bastion shows another host key than the one that was approved.",
      "Find out why before you approve it: this is also what an interception looks like."),
  SSH_AUTH_FAILED(
      Category.TEST,
      422,
      Field.SSH_PASSWORD,
      false,
      "The bastion refused the user name, password or key.",
      "Check sshUsername, and sshPassword or sshIdentity."),
  SSH_FORWARD_REFUSED(
      Category.TEST,
      422,
      Field.SSH_TUNNELING,
      true,
      "The bastion does not connect to the database.",
      "Check that it permits forwarding (AllowTcpForwarding) and reaches the database's host and"
          + " port."),
  TLS_NOT_OFFERED(
      Category.TEST,
      422,
      Field.SSL,
      false,
      "The server does not offer TLS.",
      "Switch TLS on at the server. If it is on, somebody in between takes it out: then do not send"
          + " ssl as false."),
  TLS_UNTRUSTED(
      Category.TEST,
      422,
      Field.SSL_CA,
      false,
      "The server's certificate is not signed by a trusted authority.",
      "Send the authority's certificate as PEM text in sslCA."),
  TLS_EXPIRED(
      Category.TEST,
      422,
      Field.SSL,
      false,
      "A certificate in the chain has expired or is not valid yet.",
      "Renew the certificate, and check the clocks."),
  TLS_HOSTNAME_MISMATCH(
      Category.TEST,
      422,
      Field.HOST,
      false,
      "The server's certificate is for another host name.",
      "Use a host name that the certificate lists."),
  TLS_CLIENT_CERT_REFUSED(
      Category.TEST,
      422,
      Field.CERTIFICATE,
      false,
      "The client certificate is missing, unusable or refused by the server.",
      "The server does not accept this certificate: it may be from an authority that the server does"
          + " not trust, revoked, or for another user."),
  AUTH_FAILED(
      Category.TEST,
      422,
      Field.PASSWORD,
      false,
      "The server refused the user name or password.",
      "Check username and password; the login may also be limited to other client addresses."),
  DATABASE_NOT_FOUND(
      Category.TEST,
      422,
      Field.DATABASE,
      false,
      "The database does not exist on the server.",
      "Check the database's spelling, including upper and lower case."),
  PERMISSION_DENIED(
      Category.TEST,
      422,
      Field.USERNAME,
      false,
      "The login works, but the user may not use the database.",
      "Grant the user access to the database."),
  TOO_MANY_CONNECTIONS(
      Category.TEST,
      422,
      null,
      true,
      "The server or the user has no free connection.",
      "Wait, or raise the server's limit."),
  WAREHOUSE_NOT_FOUND(
      Category.TEST,
      422,
      null,
      false,
      "The warehouse does not exist or is suspended.",
      "Check the option warehouse."),
  REGION_UNREACHABLE(
      Category.TEST,
      422,
      Field.HOST,
      true,
      "The cloud region does not answer.",
      "Check the region's name."),
  OUTPUT_LOCATION_UNREACHABLE(
      Category.TEST,
      422,
      null,
      false,
      "The query output location cannot be reached.",
      "Check the option s3OutputLocation and its permissions."),
  REDIRECT_REFUSED(
      Category.TEST,
      422,
      Field.HOST,
      false,
      "The server sends clients to another address, which is never followed.",
      "Name the final address as host and port."),
  DRIVER_UNSUPPORTED(
      Category.TEST,
      422,
      Field.DRIVER,
      false,
      "This driver is not in the catalogue, its jar is not installed, or it does not work here.",
      "GET /drivers lists what is supported."),
  LOCKOUT_GUARD(
      Category.TEST,
      422,
      Field.PASSWORD,
      true,
      "These credentials were refused shortly before and were not tried again.",
      "Send other credentials, wait until the guard's window has passed, or send force=true in the"
          + " query once the account is mended."),

  // What is wrong with a request.
  MALFORMED_BODY(
      Category.REQUEST, 400, null, false, "The body cannot be read.", "Check its syntax."),
  DUPLICATE_FIELD(Category.REQUEST, 400, null, false, "A field is given twice.", "Send it once."),
  UNKNOWN_FIELD(
      Category.REQUEST, 422, null, false, "The field is not known.", "Check its spelling."),
  MISSING_FIELD(Category.REQUEST, 422, null, false, "A required field is missing.", "Add it."),
  INVALID_FIELD(
      Category.REQUEST, 422, null, false, "A field has a wrong value.", "Correct the value."),
  SECRET_REENTRY_REQUIRED(
      Category.REQUEST,
      422,
      null,
      false,
      "A stored secret is not sent to a changed destination.",
      "Send the secret again together with the new destination."),
  KEY_REUSED(
      Category.REQUEST,
      422,
      null,
      false,
      "The Idempotency-Key was used for another request.",
      "Use a new key for a new request."),
  FORBIDDEN(
      Category.ACCESS,
      403,
      null,
      false,
      "This operation requires authentication.",
      "Send Authorization: Bearer <token>."),
  SCOPE_MISSING(
      Category.ACCESS,
      403,
      null,
      false,
      "The token does not permit this operation.",
      "Use a token with the scope that the operation needs."),
  NOT_FOUND(Category.REQUEST, 404, null, false, "There is no such resource.", "Check the address."),
  METHOD_NOT_ALLOWED(
      Category.REQUEST,
      405,
      null,
      false,
      "The resource does not support this method.",
      "The Allow header lists the methods that it does."),
  ALREADY_EXISTS(
      Category.CONFLICT,
      409,
      null,
      false,
      "A data source with this id exists already.",
      "Choose another id, or update the existing one with PUT."),
  UPDATE_IN_PROGRESS(
      Category.CONFLICT,
      409,
      null,
      true,
      "An update with the same Idempotency-Key is still running.",
      "Ask again shortly."),
  VERSION_MISMATCH(
      Category.CONFLICT,
      412,
      null,
      false,
      "The data source has another version than If-Match names.",
      "Read it again and repeat the change."),
  SUPERSEDED(
      Category.CONFLICT,
      409,
      null,
      false,
      "Another change took the place of this one while it was pending.",
      "Read the data source again; send the change again if it is still wanted."),
  CANCELLED(
      Category.CONFLICT, 409, null, false, "The change was withdrawn while it was pending.", null),
  BODY_TOO_LARGE(
      Category.REQUEST, 413, null, false, "The body is too large.", "Send at most 64 KiB."),
  URI_TOO_LONG(
      Category.REQUEST,
      414,
      null,
      false,
      "The request line is too long.",
      "Send at most 64 KiB; a longer CONFIG goes into the form body."),
  UNSUPPORTED_MEDIA_TYPE(
      Category.REQUEST,
      415,
      null,
      false,
      "The content type is not supported.",
      "Send application/json, application/xml or application/x-www-form-urlencoded in UTF-8."),
  HEADERS_TOO_LARGE(
      Category.REQUEST,
      431,
      null,
      false,
      "The request's headers are too large.",
      "Send at most 16 KiB of headers in all."),
  OVERLOADED(
      Category.OVERLOAD,
      503,
      null,
      true,
      "The service has no room for this at the moment.",
      "Ask again after the time in Retry-After, or ask another instance."),
  STORE_UNAVAILABLE(
      Category.OVERLOAD,
      503,
      null,
      true,
      "The service cannot reach its store.",
      "Ask again after the time in Retry-After."),
  INTERNAL(Category.INTERNAL, 500, null, true, "Error - Server Error", null);

  /** Whose move it is after a failure. */
  public enum Category {
    /** The connection test failed. */
    TEST,
    /** The request itself is wrong. */
    REQUEST,
    /** The caller may not do this. */
    ACCESS,
    /** The request is right, but not at this moment. */
    CONFLICT,
    /** The service is too busy or lacks its store. */
    OVERLOAD,
    /** The service's own fault. */
    INTERNAL
  }

  private final Category category;
  private final int httpStatus;
  private final Field field;
  private final boolean retryable;
  private final String message;
  private final String hint;

  Reason(
      Category category,
      int httpStatus,
      Field field,
      boolean retryable,
      String message,
      String hint) {
    this.category = category;
    this.httpStatus = httpStatus;
    this.field = field;
    this.retryable = retryable;
    this.message = message;
    this.hint = hint;
  }

  public Category category() {
    return category;
  }

  /** The status with which the native API answers. */
  public int httpStatus() {
    return httpStatus;
  }

  /** The field that is most often at fault; may be null. */
  public Field field() {
    return field;
  }

  /** Whether the same request may succeed later. */
  public boolean retryable() {
    return retryable;
  }

  /**
   * Whether a server has refused a login. Trying the same one again could lock the account, and
   * helps only once somebody has mended it.
   */
  public boolean refusesLogin() {
    return this == AUTH_FAILED || this == SSH_AUTH_FAILED || this == TLS_CLIENT_CERT_REFUSED;
  }

  /**
   * Whether the other side is away for now, as far as a test can tell, so that right settings look
   * like this too. A name that does not resolve is not among them: it is wrong more often than
   * away, and a refused destination, which looks like one, must not be told apart by this.
   */
  public boolean unavailable() {
    return switch (this) {
      case CONNECTION_REFUSED,
          UNREACHABLE,
          TIMEOUT,
          SSH_UNREACHABLE,
          SSH_FORWARD_REFUSED,
          TOO_MANY_CONNECTIONS ->
          true;
      default -> false;
    };
  }

  /** One sentence for the sender. */
  public String message() {
    return message;
  }

  /** What to do about it; may be null. */
  public String hint() {
    return hint;
  }
}
