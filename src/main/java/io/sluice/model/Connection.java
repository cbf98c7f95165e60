package io.sluice.model;

import java.util.List;
import java.util.Objects;
import java.util.SortedMap;
import java.util.stream.Stream;

/**
 * What is tested: one way to one database, everything explicit. Built from {@link Settings};
 * nothing is taken from the environment, from files or from the driver's own defaults.
 *
 * @param driver the driver's id in the catalogue
 * @param host one host name or address literal, without brackets
 * @param port 1 to 65535
 * @param username may be null where the driver needs none
 * @param password may be null
 * @param database may be null where the driver needs none
 * @param tls null: no TLS
 * @param bastion null: no SSH hop
 * @param accessToken may be null
 * @param refreshToken may be null
 * @param options each on the driver's allowlist
 */
public record Connection(
    String driver,
    String host,
    int port,
    String username,
    Secret password,
    String database,
    Tls tls,
    Bastion bastion,
    Secret accessToken,
    Secret refreshToken,
    SortedMap<String, String> options) {

  /**
   * TLS with verification of certificate and host name.
   *
   * @param authorities PEM text of the trusted certificate authorities; null: those of the JVM
   * @param certificate PEM text of the client's certificate chain; null: none
   * @param key PEM text of the client's private key; null: none
   * @param keyPassword the passphrase of an encrypted key; null: none
   */
  public record Tls(String authorities, String certificate, Secret key, Secret keyPassword) {
    /** With a key that is not encrypted, or without one. */
    public Tls(String authorities, String certificate, Secret key) {
      this(authorities, certificate, key, null);
    }
  }

  /**
   * The SSH hop.
   *
   * @param password the login's password or, with {@code identity}, the key's passphrase; may be
   *     null
   * @param identity private key text, OpenSSH or PEM; may be null
   * @param hostKey the expected host key: an {@code SHA256:} fingerprint or a known_hosts key;
   *     null: none known yet
   * @param tunneling true: database traffic goes through the bastion; false: the bastion login is
   *     checked, and from it that the database endpoint answers
   * @param jumps the bastions before this one, in the order of the way; each is logged into with
   *     the same password or identity
   */
  public record Bastion(
      String host,
      int port,
      String username,
      Secret password,
      Secret identity,
      String hostKey,
      boolean tunneling,
      List<JumpHost> jumps) {

    public Bastion {
      jumps = List.copyOf(jumps);
    }
  }

  /** All that the test hands to others and nobody may read. */
  public List<Secret> secrets() {
    return Stream.of(
            password,
            accessToken,
            refreshToken,
            tls == null ? null : tls.key(),
            tls == null ? null : tls.keyPassword(),
            bastion == null ? null : bastion.password(),
            bastion == null ? null : bastion.identity())
        .filter(Objects::nonNull)
        .toList();
  }

  /** The same with TLS, where the database speaks nothing else. */
  public Connection alwaysTls() {
    return tls != null
        ? this
        : new Connection(
            driver,
            host,
            port,
            username,
            password,
            database,
            new Tls(null, null, null),
            bastion,
            accessToken,
            refreshToken,
            options);
  }

  /**
   * @param settings a complete document: driver, host and ports are set
   */
  public static Connection of(Settings settings) {
    Tls tls =
        settings.flag(Field.SSL)
            ? new Tls(
                settings.text(Field.SSL_CA),
                settings.text(Field.CERTIFICATE),
                settings.secret(Field.KEYFILE),
                settings.secret(Field.KEYFILE_PASSWORD))
            : null;
    Bastion bastion =
        settings.flag(Field.SSH)
            ? new Bastion(
                settings.text(Field.SSH_HOST),
                settings.port(Field.SSH_PORT),
                settings.text(Field.SSH_USERNAME),
                settings.secret(Field.SSH_PASSWORD),
                settings.secret(Field.SSH_IDENTITY),
                settings.text(Field.SSH_HOST_KEY),
                settings.flag(Field.SSH_TUNNELING),
                JumpHost.list(settings.text(Field.SSH_JUMP)))
            : null;
    return new Connection(
        settings.text(Field.DRIVER),
        settings.text(Field.HOST),
        settings.port(Field.PORT),
        settings.text(Field.USERNAME),
        settings.secret(Field.PASSWORD),
        settings.text(Field.DATABASE),
        tls,
        bastion,
        settings.secret(Field.ACCESS_TOKEN),
        settings.secret(Field.REFRESH_TOKEN),
        settings.options());
  }
}
