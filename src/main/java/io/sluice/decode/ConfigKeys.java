package io.sluice.decode;

import io.sluice.model.Field;
import java.util.Comparator;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * The attributes of the Zoho-compatible API's CONFIG beside the native API's fields. Fields that
 * CONFIG has no attribute for keep their names: they were set through the native API.
 */
public final class ConfigKeys {
  /** Those that mean the same in both. */
  static final Map<String, Field> FIELDS =
      Map.of(
          "hostName", Field.HOST,
          "port", Field.PORT,
          "userName", Field.USERNAME,
          "password", Field.PASSWORD,
          "cloudDatabaseName", Field.DATABASE,
          "refreshToken", Field.REFRESH_TOKEN,
          "accessToken", Field.ACCESS_TOKEN);

  /** Those that count only when the tunnel is switched on. */
  static final Map<String, Field> TUNNEL_FIELDS =
      Map.of(
          "sshTunnelHost", Field.SSH_HOST,
          "sshTunnelPort", Field.SSH_PORT,
          "sshTunnelUsername", Field.SSH_USERNAME);

  static final String DATABASE_TYPE = "databaseType";
  static final String S3_OUTPUT_LOCATION = "s3OutputLocation";
  static final String USE_SSL = "useSSL";
  static final String USE_SSH = "useSSH";
  static final String SSH_PASSWORD = "sshTunnelPassword";

  /** CONFIG's key to the option's name in the native API. */
  static final Map<String, String> OPTIONS =
      Map.of(
          "instanceName",
          "instanceName",
          S3_OUTPUT_LOCATION,
          S3_OUTPUT_LOCATION,
          "warehouseName",
          "warehouse",
          "sId",
          "serviceName",
          "projectId",
          "projectId",
          "schemaName",
          "schema",
          "catalogName",
          "catalog",
          "httpPath",
          "httpPath",
          "workgroupName",
          "workgroup",
          "dataLocation",
          "dataLocation");

  private static final String OPTION = "options.";
  private static final Map<String, String> KEYS = keys();

  /** Names that are words, too: they mean the field where a sentence about it begins with them. */
  private static final Set<String> ENGLISH =
      Set.of("host", "port", "username", "password", "database", "driver");

  /** Names that are no words of English, so that they mean the field wherever they stand. */
  private static final Pattern NAMES =
      Pattern.compile(
          KEYS.keySet().stream()
              .filter(name -> !ENGLISH.contains(name))
              .map(Pattern::quote)
              .sorted(Comparator.comparing(String::length).reversed())
              .collect(Collectors.joining("|", "\\b(?:", ")\\b")));

  private static final Pattern TWICE = Pattern.compile("\\b(\\w+),? (?:or|and) \\1\\b");

  /** What only the native API can set. */
  private static final Set<String> NATIVE_ONLY =
      Set.of(
          Field.SSL_CA.wireName(),
          Field.CERTIFICATE.wireName(),
          Field.KEYFILE.wireName(),
          Field.KEYFILE_PASSWORD.wireName(),
          Field.SSH_HOST_KEY.wireName(),
          Field.SSH_JUMP.wireName());

  private ConfigKeys() {}

  private static Map<String, String> keys() {
    Map<String, String> keys = new HashMap<>();
    FIELDS.forEach((key, field) -> keys.put(field.wireName(), key));
    TUNNEL_FIELDS.forEach((key, field) -> keys.put(field.wireName(), key));
    OPTIONS.forEach((key, option) -> keys.put(OPTION + option, key));
    keys.put(Field.DRIVER.wireName(), DATABASE_TYPE);
    keys.put(Field.SSL.wireName(), USE_SSL);
    keys.put(Field.SSH.wireName(), USE_SSH);
    keys.put(Field.SSH_TUNNELING.wireName(), USE_SSH);
    keys.put(Field.SSH_PASSWORD.wireName(), SSH_PASSWORD);
    keys.put(Field.SSH_IDENTITY.wireName(), SSH_PASSWORD);
    return Map.copyOf(keys);
  }

  /**
   * The attribute for a field's name in the native API; names it does not know stay as they are.
   */
  public static String named(String field) {
    return KEYS.getOrDefault(field, field);
  }

  /**
   * A sentence of this product about a field, with CONFIG's names in it.
   *
   * @param field its name in the native API; null when the sentence is about none
   */
  public static String inWords(String sentence, String field) {
    boolean passphrase = ofPassphrase(sentence, field);
    String words = sentence;
    if (field != null && sentence.startsWith(field + " ")) {
      words = named(field) + sentence.substring(field.length());
    } else if (Field.DRIVER.wireName().equals(field)) {
      words = sentence.replaceAll("\\bdriver\\b", DATABASE_TYPE);
    }
    words =
        NAMES
            .matcher(words)
            .replaceAll(
                name -> passphrase && name.group().equals(field) ? field : KEYS.get(name.group()));
    return TWICE.matcher(words).replaceAll("$1");
  }

  /** What to do about a field that CONFIG has no attribute for; empty where it has one. */
  public static String wayAround(String sentence, String field) {
    boolean nativeOnly = field != null && NATIVE_ONLY.contains(field.replaceAll("\\[.*", ""));
    return nativeOnly || ofPassphrase(sentence, field)
        ? " CONFIG has no attribute for it: use PATCH /datasources/{id}."
        : "";
  }

  /** The attribute of the bastion's password holds the key itself: no other is left for this. */
  private static boolean ofPassphrase(String sentence, String field) {
    return Field.SSH_PASSWORD.wireName().equals(field) && sentence.contains("passphrase");
  }
}
