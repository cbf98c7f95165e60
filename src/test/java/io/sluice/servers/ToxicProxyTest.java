package io.sluice.servers;

import static io.sluice.servers.ToxicProxy.Direction.TO_CLIENT;
import static io.sluice.servers.ToxicProxy.Direction.TO_SERVER;
import static java.nio.charset.StandardCharsets.US_ASCII;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

final class ToxicProxyTest {
  private ServerSocket echo;
  private ToxicProxy proxy;

  @BeforeEach
  void start() throws IOException {
    echo = new ServerSocket(0, 16, InetAddress.getLoopbackAddress());
    Thread thread = new Thread(this::serve);
    thread.setDaemon(true);
    thread.start();
    proxy = ToxicProxy.to("127.0.0.1", echo.getLocalPort());
  }

  @AfterEach
  void stop() throws IOException {
    proxy.close();
    echo.close();
  }

  @Test
  void bytes_pass_and_are_recorded_both_ways() throws IOException {
    try (Socket client = client()) {
      assertThat(exchange(client, "hello")).isEqualTo("hello");
    }
    assertThat(proxy.recorded(TO_SERVER)).asString(US_ASCII).isEqualTo("hello");
    assertThat(proxy.recorded(TO_CLIENT)).asString(US_ASCII).isEqualTo("hello");
    assertThat(proxy.connections()).isEqualTo(1);
    await().until(() -> proxy.open() == 0);
  }

  @Test
  void a_mute_connection_stays_open_and_says_nothing() throws IOException {
    proxy.muteAfter(TO_CLIENT, 2);
    try (Socket client = client()) {
      client.setSoTimeout(300);
      client.getOutputStream().write("hello".getBytes(US_ASCII));
      assertThat(client.getInputStream().readNBytes(2)).asString(US_ASCII).isEqualTo("he");
      assertThatThrownBy(() -> client.getInputStream().read())
          .isInstanceOf(SocketTimeoutException.class);
    }
  }

  @Test
  void a_reset_reaches_the_client_as_a_reset() throws IOException {
    proxy.resetAfter(TO_CLIENT, 0);
    try (Socket client = client()) {
      assertThatThrownBy(() -> exchange(client, "hello"))
          .isInstanceOf(SocketException.class)
          .hasMessageContaining("reset");
    }
  }

  @Test
  void latency_and_slices_take_their_time() throws IOException {
    proxy.latency(Duration.ofMillis(150));
    try (Socket client = client()) {
      assertThat(elapsed(client)).isGreaterThan(Duration.ofMillis(290));
      proxy.heal().slice(TO_CLIENT, 1, Duration.ofMillis(100));
      assertThat(elapsed(client)).isBetween(Duration.ofMillis(390), Duration.ofSeconds(3));
      proxy.heal();
    }
  }

  @Test
  void a_cut_network_ends_open_connections_and_refuses_new_ones() throws IOException {
    try (Socket client = client()) {
      assertThat(exchange(client, "hello")).isEqualTo("hello");
      proxy.cut();
      assertThatThrownBy(() -> exchange(client, "hello")).isInstanceOf(IOException.class);
      try (Socket later = client()) {
        assertThatThrownBy(() -> exchange(later, "hello")).isInstanceOf(IOException.class);
      }
    }
  }

  @Test
  void a_mute_server_accepts_and_a_black_hole_does_not() throws IOException {
    try (MuteServer mute = MuteServer.greeting("hi".getBytes(US_ASCII));
        Socket client = new Socket(mute.host(), mute.port())) {
      client.setSoTimeout(300);
      assertThat(client.getInputStream().readNBytes(2)).asString(US_ASCII).isEqualTo("hi");
      assertThatThrownBy(() -> client.getInputStream().read())
          .isInstanceOf(SocketTimeoutException.class);
    }
    try (BlackHole hole = BlackHole.open();
        Socket client = new Socket()) {
      assertThatThrownBy(() -> client.connect(new InetSocketAddress(hole.host(), hole.port()), 500))
          .isInstanceOf(SocketTimeoutException.class);
    }
  }

  private Duration elapsed(Socket client) throws IOException {
    long start = System.nanoTime();
    assertThat(exchange(client, "hello")).isEqualTo("hello");
    return Duration.ofNanos(System.nanoTime() - start);
  }

  private static String exchange(Socket client, String text) throws IOException {
    client.getOutputStream().write(text.getBytes(US_ASCII));
    byte[] answer = client.getInputStream().readNBytes(text.length());
    if (answer.length < text.length()) {
      throw new IOException("The connection ended.");
    }
    return new String(answer, US_ASCII);
  }

  private Socket client() throws IOException {
    return new Socket(proxy.host(), proxy.port());
  }

  private void serve() {
    while (!echo.isClosed()) {
      try (Socket client = echo.accept()) {
        client.getInputStream().transferTo(client.getOutputStream());
      } catch (IOException e) {
        // The test is over, or broke the connection.
      }
    }
  }
}
