package io.sluice.servers;

import static java.nio.charset.StandardCharsets.UTF_8;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.TimeUnit;
import org.awaitility.Awaitility;

/**
 * Debian's own sshd with a configuration of its own, for what only the server that everybody runs
 * can prove. It knows one user by key, the one that runs the tests; run as root, also one by
 * password, an account of this machine that is made for the server and removed with it.
 */
public final class OpenSshServer implements AutoCloseable {
  private static final Path SSHD = Path.of("/usr/sbin/sshd");
  private static final Duration START_LIMIT = Duration.ofSeconds(10);

  /** An account that logs in by password. */
  public record PasswordUser(String name, String password) {}

  /** What a server is to be, before it starts. */
  public static final class Setup {
    private final List<String> lines = new ArrayList<>();
    private final List<SshKey> authorized = new ArrayList<>();
    private SshKey hostKey;

    private Setup() {}

    /** A further key of the user who runs the tests. */
    public Setup authorize(SshKey key) {
      authorized.add(key);
      return this;
    }

    /** Without it the server has an Ed25519 key of its own. */
    public Setup hostKey(SshKey key) {
      hostKey = key;
      return this;
    }

    /** One line of sshd_config, for instance {@code AllowTcpForwarding no}; the first one wins. */
    public Setup line(String line) {
      lines.add(line);
      return this;
    }

    public OpenSshServer start() {
      return new OpenSshServer(this);
    }
  }

  private final Path directory = Scratch.directory("sshd");
  private final int port = Scratch.freePort();
  private final SshKey userKey = SshKey.ed25519();
  private final SshKey hostKey;
  private final Optional<PasswordUser> passwordUser;
  private final Process process;

  private OpenSshServer(Setup setup) {
    hostKey = setup.hostKey == null ? SshKey.ed25519() : setup.hostKey;
    Path hostKeyFile = Scratch.ownerOnly(directory.resolve("host_key"), hostKey.privateOpenSsh());
    StringBuilder keys = new StringBuilder(userKey.publicLine() + "\n");
    setup.authorized.forEach(key -> keys.append(key.publicLine()).append('\n'));
    Path authorized = Scratch.ownerOnly(directory.resolve("authorized_keys"), keys.toString());
    List<String> lines = new ArrayList<>(setup.lines);
    lines.add("ListenAddress " + Scratch.LOOPBACK + ":" + port);
    lines.add("HostKey " + hostKeyFile);
    lines.add("PidFile none");
    lines.add("AuthorizedKeysFile " + authorized);
    // The directory is below /tmp, which everybody may write to.
    lines.add("StrictModes no");
    lines.add("UsePAM no");
    lines.add("PermitRootLogin prohibit-password");
    lines.add("MaxStartups 100");
    Path config = Scratch.write(directory.resolve("sshd_config"), String.join("\n", lines) + "\n");
    passwordUser = root() ? Optional.of(addUser()) : Optional.empty();
    try {
      if (root()) {
        // Where sshd drops its privileges; the service script makes it, not the package.
        Files.createDirectories(Path.of("/run/sshd"));
      }
      process =
          new ProcessBuilder(SSHD.toString(), "-D", "-e", "-f", config.toString())
              .redirectErrorStream(true)
              .redirectOutput(directory.resolve("log").toFile())
              .start();
      Awaitility.await().atMost(START_LIMIT).until(this::answers);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Tests that need this server assume this first, so that they show up as skipped elsewhere. */
  public static boolean installed() {
    return Files.isExecutable(SSHD);
  }

  public static Setup setup() {
    return new Setup();
  }

  private static boolean root() {
    return "root".equals(System.getProperty("user.name"));
  }

  private boolean answers() {
    try (Socket probe = new Socket()) {
      probe.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 200);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private static PasswordUser addUser() {
    String unique = UUID.randomUUID().toString();
    PasswordUser user = new PasswordUser("sluice-" + unique.substring(0, 8), unique);
    run(null, "useradd", "--no-create-home", "--shell", "/bin/sh", user.name());
    run(user.name() + ":" + user.password() + "\n", "chpasswd");
    return user;
  }

  private static void run(String input, String... command) {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      try (var in = process.outputWriter()) {
        if (input != null) {
          in.write(input);
        }
      }
      String output = new String(process.getInputStream().readAllBytes(), UTF_8);
      if (process.waitFor() != 0) {
        throw new IllegalStateException(command[0] + " failed: " + output);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted while " + command[0] + " ran.", e);
    }
  }

  public String host() {
    return Scratch.LOOPBACK;
  }

  public int port() {
    return port;
  }

  public SshKey hostKey() {
    return hostKey;
  }

  /** The user who runs the tests; {@link #userKey} logs in. */
  public String user() {
    return System.getProperty("user.name");
  }

  public SshKey userKey() {
    return userKey;
  }

  /** Empty unless the tests run as root. */
  public Optional<PasswordUser> passwordUser() {
    return passwordUser;
  }

  /** What the server wrote so far. */
  public String log() {
    try {
      return Files.readString(directory.resolve("log"));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    process.descendants().forEach(ProcessHandle::destroy);
    process.destroy();
    try {
      if (!process.waitFor(START_LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
    passwordUser.ifPresent(user -> run(null, "userdel", user.name()));
    Scratch.delete(directory);
  }
}
