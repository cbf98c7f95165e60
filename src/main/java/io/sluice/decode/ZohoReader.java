package io.sluice.decode;

import io.sluice.drivers.Driver;
import io.sluice.drivers.DriverCatalogue;
import io.sluice.model.Field;
import io.sluice.model.Reason;
import io.sluice.model.Refusal;
import io.sluice.model.Update;
import io.sluice.model.Update.Change;
import io.sluice.model.ZohoError;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * Gives a document the meaning of the Zoho-compatible API's CONFIG. Thread-safe.
 *
 * <p>Our reading where its pages are silent: {@code useSSH} is the master switch, so without it the
 * keys of the tunnel are ignored. With {@code sshTunnelAuthType} 1 {@code sshTunnelPassword} is the
 * private key's text, as no other key carries one. Each way of authentication clears the other
 * one's stored secret. The tunnel always carries the database's traffic.
 */
final class ZohoReader {
  private static final String SERVICE_NAME = "serviceName";
  private static final String S3_SCHEME = "s3://";
  private static final String SSH_AUTH_TYPE = "sshTunnelAuthType";
  private static final String PASSWORD_LOGIN = "0";
  private static final String KEY_LOGIN = "1";

  private static final String HOST_NAME = "hostName";
  private static final List<String> MANDATORY = List.of(HOST_NAME, "userName");

  private final DriverCatalogue drivers;

  ZohoReader(DriverCatalogue drivers) {
    this.drivers = drivers;
  }

  /**
   * @throws Refusal with all errors of the keys; its {@link Refusal#zohoError()} is the first one's
   */
  Update read(Document config) {
    Map<String, Value> values = new LinkedHashMap<>(config.fields());
    if (values.isEmpty()) {
      throw Refusal.ofFields(
          List.of(
              new Refusal.FieldError(
                  ConfigParameter.NAME, Reason.MISSING_FIELD, "CONFIG is an empty object.")),
          ZohoError.EMPTY_JSON_CONFIGURATION);
    }
    Problems problems = new Problems();
    Map<Field, Change> changes = new EnumMap<>(Field.class);
    SortedMap<String, Change> options = new TreeMap<>();
    Optional<Driver> driver = driver(values, problems);
    driver.ifPresent(d -> changes.put(Field.DRIVER, new Change.Set(d.id())));
    values.computeIfPresent(HOST_NAME, (key, value) -> FieldGrammar.host(driver, value));
    MANDATORY.forEach(key -> mandatory(key, values, problems));
    readAll(ConfigKeys.FIELDS, values, changes, problems);
    values.forEach((key, value) -> option(key, value, options, problems));
    flag(ConfigKeys.USE_SSL, values, problems)
        .ifPresent(on -> changes.put(Field.SSL, new Change.Set(on)));
    tunnel(values, changes, problems);
    refuseUnknown(values.keySet(), problems);
    problems.refuseIfAny();
    return new Update(null, changes, options);
  }

  private Optional<Driver> driver(Map<String, Value> values, Problems problems) {
    Optional<String> serviceName = word(SERVICE_NAME, values, problems);
    if (serviceName.isEmpty()) {
      return Optional.empty();
    }
    Optional<ZohoService> service = ZohoService.named(serviceName.get());
    if (service.isEmpty()) {
      problems.add(
          SERVICE_NAME,
          Reason.INVALID_FIELD,
          ZohoError.INVALID_CLOUD_SERVICENAME,
          "is not the name of a service");
      return Optional.empty();
    }
    Optional<String> databaseType =
        !given(ConfigKeys.DATABASE_TYPE, values) && service.get().hasOneEngine()
            ? Optional.of(service.get().databaseTypes().get(0))
            : word(ConfigKeys.DATABASE_TYPE, values, problems);
    if (databaseType.isEmpty()) {
      return Optional.empty();
    }
    if (!service.get().fits(databaseType.get())) {
      problems.add(
          ConfigKeys.DATABASE_TYPE,
          Reason.INVALID_FIELD,
          ZohoError.DBTYPE_SERVICENAME_NOTMACHED,
          "does not fit the serviceName");
      return Optional.empty();
    }
    Optional<Driver> driver =
        drivers.forZoho(databaseType.get()).filter(d -> d.family() != Driver.Family.NONE);
    if (driver.isEmpty()) {
      problems.add(
          ConfigKeys.DATABASE_TYPE,
          Reason.DRIVER_UNSUPPORTED,
          ZohoError.DBTYPE_SERVICENAME_NOTMACHED,
          "is a type that no driver of this service serves");
    }
    return driver;
  }

  /** The text of a mandatory key. */
  private static Optional<String> word(String key, Map<String, Value> values, Problems problems) {
    if (!mandatory(key, values, problems)) {
      return Optional.empty();
    }
    if (values.get(key) instanceof Value.Text text) {
      return Optional.of(text.text());
    }
    problems.wrongType(key, "must be a string");
    return Optional.empty();
  }

  private static boolean mandatory(String key, Map<String, Value> values, Problems problems) {
    if (given(key, values)) {
      return true;
    }
    problems.add(
        key,
        Reason.MISSING_FIELD,
        values.containsKey(key)
            ? ZohoError.EMPTY_JSON_ATTRIBUTE_FOUND
            : ZohoError.ATTRIBUTE_NOT_PRESENT_IN_JSON_CONFIGURATION,
        "is mandatory");
    return false;
  }

  /** Whether a key is there with something in it. */
  private static boolean given(String key, Map<String, Value> values) {
    Value value = values.get(key);
    return value != null
        && !(value instanceof Value.Null)
        && !(value instanceof Value.Text text && text.text().isEmpty());
  }

  private static void readAll(
      Map<String, Field> keys,
      Map<String, Value> values,
      Map<Field, Change> changes,
      Problems problems) {
    values.forEach(
        (key, value) -> {
          Field field = keys.get(key);
          boolean reported = MANDATORY.contains(key) && !given(key, values);
          if (field != null && !reported) {
            FieldGrammar.read(field, key, value, problems)
                .ifPresent(change -> changes.put(field, change));
          }
        });
  }

  private static void option(
      String key, Value value, SortedMap<String, Change> options, Problems problems) {
    String name = ConfigKeys.OPTIONS.get(key);
    if (name == null) {
      return;
    }
    FieldGrammar.option(key, value, problems)
        .filter(change -> !key.equals(ConfigKeys.S3_OUTPUT_LOCATION) || isS3(change, problems))
        .ifPresent(change -> options.put(name, change));
  }

  private static boolean isS3(Change change, Problems problems) {
    boolean s3 =
        !(change instanceof Change.Set set) || set.value().toString().startsWith(S3_SCHEME);
    if (!s3) {
      problems.add(
          ConfigKeys.S3_OUTPUT_LOCATION,
          Reason.INVALID_FIELD,
          ZohoError.S3_OUTPUT_LOCATION_NOT_REACHABLE,
          "must begin with " + S3_SCHEME);
    }
    return s3;
  }

  private static Optional<Boolean> flag(String key, Map<String, Value> values, Problems problems) {
    return given(key, values)
        ? FieldGrammar.flag(key, values.get(key), problems)
        : Optional.empty();
  }

  private static void tunnel(
      Map<String, Value> values, Map<Field, Change> changes, Problems problems) {
    Optional<Boolean> ssh = flag(ConfigKeys.USE_SSH, values, problems);
    ssh.ifPresent(on -> changes.put(Field.SSH, new Change.Set(on)));
    if (!ssh.orElse(false)) {
      return;
    }
    changes.put(Field.SSH_TUNNELING, new Change.Set(true));
    readAll(ConfigKeys.TUNNEL_FIELDS, values, changes, problems);
    authType(values, problems)
        .ifPresent(
            type -> {
              boolean key = type.equals(KEY_LOGIN);
              Field used = key ? Field.SSH_IDENTITY : Field.SSH_PASSWORD;
              Field unused = key ? Field.SSH_PASSWORD : Field.SSH_IDENTITY;
              readAll(Map.of(ConfigKeys.SSH_PASSWORD, used), values, changes, problems);
              changes.put(unused, new Change.Clear());
            });
  }

  private static Optional<String> authType(Map<String, Value> values, Problems problems) {
    if (!given(SSH_AUTH_TYPE, values)) {
      return Optional.of(PASSWORD_LOGIN);
    }
    Value value = values.get(SSH_AUTH_TYPE);
    String type = "";
    if (value instanceof Value.Text text) {
      type = text.text();
    } else if (value instanceof Value.Numeral numeral) {
      type = numeral.literal();
    }
    if (type.equals(PASSWORD_LOGIN) || type.equals(KEY_LOGIN)) {
      return Optional.of(type);
    }
    problems.wrongType(SSH_AUTH_TYPE, "must be 0 for a password or 1 for a key");
    return Optional.empty();
  }

  private static void refuseUnknown(Set<String> keys, Problems problems) {
    Set<String> unknown = new HashSet<>(keys);
    unknown.removeAll(ConfigKeys.FIELDS.keySet());
    unknown.removeAll(ConfigKeys.TUNNEL_FIELDS.keySet());
    unknown.removeAll(ConfigKeys.OPTIONS.keySet());
    unknown.removeAll(
        Set.of(
            SERVICE_NAME,
            ConfigKeys.DATABASE_TYPE,
            ConfigKeys.USE_SSL,
            ConfigKeys.USE_SSH,
            ConfigKeys.SSH_PASSWORD,
            SSH_AUTH_TYPE));
    unknown.stream()
        .sorted()
        .forEach(key -> problems.add(key, Reason.UNKNOWN_FIELD, "is not an attribute of CONFIG"));
  }
}
