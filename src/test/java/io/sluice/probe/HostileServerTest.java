package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Reason;
import io.sluice.model.Report;
import io.sluice.servers.MuteServer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Servers that speak the protocol and abuse it. */
class HostileServerTest {
  private static final String PASSWORD = "pw-of-the-hostile-server-test";

  private final Prober prober =
      new Prober(
          Probe.DRIVERS,
          Probe.LOOPBACK,
          Probe.impatient(Duration.ofSeconds(2), Duration.ofSeconds(4)));

  @AfterEach
  void close() {
    prober.close();
  }

  /** A MySQL server of a few packets; records everything that a client sends. */
  private static final class FakeMysql implements AutoCloseable {
    private final ServerSocket listener;
    private final List<byte[]> answers;
    private final ByteArrayOutputStream received = new ByteArrayOutputStream();

    FakeMysql(byte[]... answers) throws IOException {
      this.answers = List.of(answers);
      listener = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
      Thread thread = new Thread(this::serve, "fake-mysql");
      thread.setDaemon(true);
      thread.start();
    }

    private void serve() {
      while (!listener.isClosed()) {
        try (Socket client = listener.accept()) {
          InputStream in = client.getInputStream();
          client.getOutputStream().write(packet(0, greeting()));
          for (byte[] answer : answers) {
            int sequence = readPacket(in);
            client.getOutputStream().write(packet(sequence + 1, answer));
          }
          while (readPacket(in) >= 0) {
            // Everything else is recorded and gets no answer.
          }
        } catch (IOException e) {
          // The client went away.
        }
      }
    }

    private int readPacket(InputStream in) throws IOException {
      byte[] header = in.readNBytes(4);
      if (header.length < 4) {
        return -1;
      }
      byte[] body =
          in.readNBytes((header[0] & 0xff) | (header[1] & 0xff) << 8 | (header[2] & 0xff) << 16);
      synchronized (received) {
        received.writeBytes(body);
      }
      return header[3] & 0xff;
    }

    String received() {
      synchronized (received) {
        return received.toString(StandardCharsets.ISO_8859_1);
      }
    }

    int port() {
      return listener.getLocalPort();
    }

    @Override
    public void close() throws IOException {
      listener.close();
    }

    private static byte[] packet(int sequence, byte[] body) {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      out.write(body.length);
      out.write(body.length >> 8);
      out.write(body.length >> 16);
      out.write(sequence);
      out.writeBytes(body);
      return out.toByteArray();
    }

    private static byte[] greeting() {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      out.write(10);
      out.writeBytes("5.7.44-fake\0".getBytes(StandardCharsets.US_ASCII));
      out.writeBytes(new byte[] {1, 0, 0, 0});
      out.writeBytes("12345678\0".getBytes(StandardCharsets.US_ASCII));
      // Every capability but TLS and compression: also LOCAL INFILE, plug-in login and tracking.
      int capabilities = 0x00ff_ffff & ~(0x0800 | 0x0020) & ~0x0100_0000;
      out.write(capabilities);
      out.write(capabilities >> 8);
      out.write(33);
      out.writeBytes(new byte[] {2, 0});
      out.write(capabilities >> 16);
      out.write(capabilities >> 24);
      out.write(21);
      out.writeBytes(new byte[10]);
      out.writeBytes("123456789012\0".getBytes(StandardCharsets.US_ASCII));
      out.writeBytes("mysql_native_password\0".getBytes(StandardCharsets.US_ASCII));
      return out.toByteArray();
    }
  }

  private static byte[] switchTo(String plugin) {
    return ("\u00fe" + plugin + "\0" + "12345678901234567890\0")
        .getBytes(StandardCharsets.ISO_8859_1);
  }

  private static final byte[] OK = {0, 0, 0, 2, 0, 0, 0};

  private Tested test(String driver, int port) {
    return prober.test(
        Probe.target(driver, "127.0.0.1", port).login("alice", PASSWORD).database("shop").build());
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql"})
  void noFileIsHandedOut(String driver, @TempDir Path directory) throws IOException {
    Path file = Files.writeString(directory.resolve("private"), "content-of-a-private-file");
    byte[] infile = ("\u00fb" + file).getBytes(StandardCharsets.ISO_8859_1);
    try (FakeMysql server = new FakeMysql(OK, infile, infile, infile)) {
      Tested tested = test(driver, server.port());

      assertThat(tested.report().passed()).isFalse();
      assertThat(server.received()).contains("alice").doesNotContain("content-of-a-private-file");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql"})
  void noPasswordLeavesInClear(String driver) throws IOException {
    for (String plugin :
        List.of("mysql_clear_password", "dialog", "mysql_old_password", "sha256_password")) {
      try (FakeMysql server = new FakeMysql(switchTo(plugin), OK)) {
        Tested tested = test(driver, server.port());

        assertThat(tested.report().passed()).as(plugin).isFalse();
        // Nobody has refused the password.
        assertThat(tested.report().reason()).as(plugin).isEqualTo(Reason.PROTOCOL_MISMATCH);
        assertThat(server.received()).as(plugin).contains("alice").doesNotContain(PASSWORD);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql"})
  void theServersKeyIsNotAskedForWithoutTls(String driver) throws IOException {
    // Full authentication without TLS: the client would have to encrypt with a key of the server's.
    byte[] full = {1, 4};
    try (FakeMysql server = new FakeMysql(switchTo("caching_sha2_password"), full, OK)) {
      Tested tested = test(driver, server.port());

      assertThat(tested.report().passed()).isFalse();
      assertThat(server.received()).doesNotContain(PASSWORD);
    }
  }

  @Test
  void aRedirectIsNotFollowed() throws IOException {
    try (MuteServer elsewhere = MuteServer.start()) {
      String url = "mariadb://alice:" + PASSWORD + "@127.0.0.1:" + elsewhere.port() + "/shop";
      // OK with session state: system variable redirect_url (type 0).
      ByteArrayOutputStream variable = new ByteArrayOutputStream();
      variable.write(12);
      variable.writeBytes("redirect_url".getBytes(StandardCharsets.US_ASCII));
      variable.write(url.length());
      variable.writeBytes(url.getBytes(StandardCharsets.US_ASCII));
      ByteArrayOutputStream state = new ByteArrayOutputStream();
      state.write(0);
      state.write(variable.size());
      state.writeBytes(variable.toByteArray());
      ByteArrayOutputStream ok = new ByteArrayOutputStream();
      ok.writeBytes(new byte[] {0, 0, 0, 2, 0x40, 0, 0, 0});
      ok.write(state.size());
      ok.writeBytes(state.toByteArray());
      try (FakeMysql server = new FakeMysql(ok.toByteArray())) {
        test("mariadb", server.port());
      }
      assertThat(elsewhere.connections()).isZero();
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"mariadb", "mysql", "postgresql"})
  void theServersWordsAreNotRepeated(String driver) throws IOException {
    String words = "words-of-the-server";
    byte[] error =
        driver.equals("postgresql")
            ? ("E\0\0\0(SFATAL\0C28P01\0M" + words + "\0\0").getBytes(StandardCharsets.ISO_8859_1)
            : FakeMysql.packet(
                0, ("\u00ff\u0015\u0004#28000" + words).getBytes(StandardCharsets.ISO_8859_1));
    try (MuteServer server = MuteServer.greeting(error)) {
      Tested tested = test(driver, server.port());

      assertThat(tested.report().status()).isEqualTo(Report.Status.FAILED);
      assertThat(tested.report().toString()).doesNotContain(words).doesNotContain(PASSWORD);
    }
  }
}
