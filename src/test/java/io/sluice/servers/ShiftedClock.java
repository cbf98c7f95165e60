package io.sluice.servers;

import java.io.DataOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.zip.ZipEntry;

/**
 * The time of day as one Java process sees it, under a test's hand: the process is started with
 * {@link #option}, and its clock jumps when the test says so. The machine's clock stays as it is.
 *
 * <p>One process at a time; for one thread.
 */
public final class ShiftedClock implements AutoCloseable {
  private static final Duration LIMIT = Duration.ofSeconds(20);

  private final Path directory = Scratch.directory("clock");
  private final ServerSocket server;
  private final String option;
  private Socket process;

  public ShiftedClock() {
    try {
      Path agent = jar("agent.jar", ClockAgent.class, "ClockAgent$Shifting", "ClockAgent$1");
      Path shift = jar("shift.jar", ClockShift.class);
      server = new ServerSocket();
      server.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 1);
      server.setSoTimeout((int) LIMIT.toMillis());
      option = "-javaagent:" + agent + "=" + shift + " " + server.getLocalPort();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path jar(String name, Class<?> main, String... parts) throws IOException {
    Manifest manifest = new Manifest();
    manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
    manifest.getMainAttributes().putValue("Premain-Class", main.getName());
    manifest.getMainAttributes().putValue("Can-Retransform-Classes", "true");
    Path jar = directory.resolve(name);
    try (OutputStream out = Files.newOutputStream(jar);
        JarOutputStream entries = new JarOutputStream(out, manifest)) {
      add(entries, main, main.getSimpleName());
      for (String part : parts) {
        add(entries, main, part);
      }
    }
    return jar;
  }

  private static void add(JarOutputStream entries, Class<?> beside, String name)
      throws IOException {
    entries.putNextEntry(
        new ZipEntry(beside.getPackageName().replace('.', '/') + "/" + name + ".class"));
    beside.getResourceAsStream(name + ".class").transferTo(entries);
  }

  /** What the process is to be started with. */
  public String option() {
    return option;
  }

  /** Sets the clock this far off the right time; when this returns, the process sees it. */
  public void shift(Duration off) {
    try {
      if (process == null) {
        process = server.accept();
        process.setSoTimeout((int) LIMIT.toMillis());
      }
      new DataOutputStream(process.getOutputStream()).writeLong(off.toMillis());
      if (process.getInputStream().read() != 0) {
        throw new IllegalStateException("The process has gone.");
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void close() {
    try (server) {
      if (process != null) {
        process.close();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    Scratch.delete(directory);
  }
}
