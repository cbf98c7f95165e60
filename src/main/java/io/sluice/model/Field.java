package io.sluice.model;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The fields of a data source, by their names in the native API. One list, so that every encoding,
 * the store and the answers agree about names, kinds and limits. The driver-specific {@code
 * options} object stands beside these.
 */
public enum Field {
  DRIVER("driver", Kind.TEXT, 64),
  HOST("host", Kind.HOST, 253),
  PORT("port", Kind.PORT, 5),
  USERNAME("username", Kind.TEXT, 256),
  PASSWORD("password", Kind.SECRET, 4096),
  DATABASE("database", Kind.TEXT, 256),
  SSL("ssl", Kind.FLAG, 5),
  SSL_CA("sslCA", Kind.PEM, 32_768),
  CERTIFICATE("certificate", Kind.PEM, 32_768, "sslCertificate"),
  KEYFILE("keyfile", Kind.PEM_SECRET, 32_768, "sslKeyfile"),
  KEYFILE_PASSWORD("keyfilePassword", Kind.SECRET, 4096, "sslKeyfilePassword"),
  SSH("ssh", Kind.FLAG, 5),
  SSH_HOST("sshHost", Kind.HOST, 253),
  SSH_PORT("sshPort", Kind.PORT, 5),
  SSH_USERNAME("sshUsername", Kind.TEXT, 256),
  SSH_PASSWORD("sshPassword", Kind.SECRET, 4096),
  SSH_IDENTITY("sshIdentity", Kind.PEM_SECRET, 32_768),
  SSH_TUNNELING("sshTunneling", Kind.FLAG, 5),
  SSH_HOST_KEY("sshHostKey", Kind.HOST_KEY, 4096),
  SSH_JUMP("sshJump", Kind.HOPS, 8192),
  ACCESS_TOKEN("accessToken", Kind.SECRET, 8192),
  REFRESH_TOKEN("refreshToken", Kind.SECRET, 4096);

  /** How a value is written and checked. */
  public enum Kind {
    /** One line of text, no control characters. */
    TEXT,
    /** A host name, dotted quad or IPv6 literal. */
    HOST,
    /** 1 to 65535, as a number or as digits. */
    PORT,
    /** {@code true} or {@code false}, as a JSON boolean or as the word. */
    FLAG,
    /** As {@code TEXT}; white space around it, as a copied line of a file has, is dropped. */
    HOST_KEY,
    /** A list of {@link JumpHost}, kept as one text. */
    HOPS,
    /** Public PEM text. */
    PEM,
    /** A secret of one line. */
    SECRET,
    /** A private key as PEM text. */
    PEM_SECRET
  }

  /** What is written back under {@code secrets} and never in clear. */
  public static final Set<Field> SECRETS =
      EnumSet.copyOf(Stream.of(values()).filter(Field::secret).toList());

  /** The secrets that are presented to the bastion; all others go to the database. */
  public static final Set<Field> BASTION_SECRETS = EnumSet.of(SSH_PASSWORD, SSH_IDENTITY);

  /** The secrets that a database login may take; which of them it takes is the driver's matter. */
  public static final Set<Field> LOGIN_SECRETS = EnumSet.of(PASSWORD, ACCESS_TOKEN, REFRESH_TOKEN);

  private static final Map<String, Field> BY_NAME =
      Stream.of(values())
          .flatMap(
              f ->
                  Stream.of(f.wireName, f.alias)
                      .distinct()
                      .map(n -> Map.entry(n.toLowerCase(Locale.ROOT), f)))
          .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, Map.Entry::getValue));

  private final String wireName;
  private final Kind kind;
  private final int maxLength;
  private final String alias;

  Field(String wireName, Kind kind, int maxLength) {
    this(wireName, kind, maxLength, wireName);
  }

  Field(String wireName, Kind kind, int maxLength, String alias) {
    this.wireName = wireName;
    this.kind = kind;
    this.maxLength = maxLength;
    this.alias = alias;
  }

  /** Finds a field by its name or alias; names are case-sensitive, as in the published API. */
  public static Optional<Field> named(String name) {
    return Optional.ofNullable(BY_NAME.get(name.toLowerCase(Locale.ROOT)))
        .filter(f -> f.wireName.equals(name) || f.alias.equals(name));
  }

  public String wireName() {
    return wireName;
  }

  public Kind kind() {
    return kind;
  }

  /** In characters. */
  public int maxLength() {
    return maxLength;
  }

  public boolean secret() {
    return kind == Kind.SECRET || kind == Kind.PEM_SECRET;
  }

  @Override
  public String toString() {
    return wireName;
  }
}
