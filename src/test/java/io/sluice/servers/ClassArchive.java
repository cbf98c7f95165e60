package io.sluice.servers;

import static java.util.stream.Collectors.joining;

import java.io.File;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import java.util.stream.Stream;

/**
 * What the Java virtual machine learned of a program's classes at its first start, for the starts
 * after it: to load and verify them is half of the work of a start. This is the dynamic archive of
 * class data sharing (JEP 350), which {@code jcmd} takes from a process that runs. A program that
 * got no archive starts without one.
 *
 * <p>An archive needs a class path of jars alone, so that folders are packed. Thread-safe.
 */
final class ClassArchive {
  private static final Duration LIMIT = Duration.ofSeconds(60);

  /** A program whose classes have changed since, or with another collector, just does without. */
  private static final String QUIET = "-Xlog:cds*=off";

  /** Made by who starts programs, not by a program that is started. */
  private static final class Kept {
    static final Path DIRECTORY = directory();
  }

  private static final Map<Path, Path> PACKED = new HashMap<>();

  private final String program;

  /** Java 25 crashes while it records what an archive needs. */
  private boolean tried = Runtime.version().feature() >= 25;

  private boolean made;

  /**
   * @param program a word for the file's name
   */
  ClassArchive(String program) {
    this.program = program;
  }

  private Path file() {
    return Kept.DIRECTORY.resolve(program + ".jsa");
  }

  private static Path directory() {
    Path directory = Scratch.directory("classes");
    Runtime.getRuntime()
        .addShutdownHook(new Thread(() -> Scratch.delete(directory), "delete-archives"));
    return directory;
  }

  /** What a start is told whose process {@link #learn} will see. */
  synchronized List<String> options() {
    return tried ? optionsUnseen() : List.of(QUIET, "-XX:+RecordDynamicDumpInfo");
  }

  /** What any other start is told. */
  synchronized List<String> optionsUnseen() {
    return made ? List.of(QUIET, "-XX:SharedArchiveFile=" + file()) : List.of();
  }

  /**
   * Takes the archive from a process that is ready, if it is the first; it stands still so long.
   */
  synchronized void learn(Process process) {
    if (tried) {
      return;
    }
    tried = true;
    try {
      Process jcmd =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(),
                  Long.toString(process.pid()),
                  "VM.cds",
                  "dynamic_dump",
                  file().toString())
              .redirectErrorStream(true)
              .redirectOutput(Kept.DIRECTORY.resolve("jcmd.log").toFile())
              .start();
      // One that takes longer may still be half a file when the next start would read it.
      if (jcmd.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)) {
        made = jcmd.exitValue() == 0 && Files.exists(file());
      } else {
        jcmd.destroyForcibly();
      }
    } catch (IOException e) {
      // A Java without jcmd.
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** This process's class path in jars, without the folder of this name if that is not null. */
  static String classPath(String without) {
    return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1))
        .filter(entry -> !entry.isEmpty())
        .map(entry -> Path.of(entry).toAbsolutePath())
        .filter(entry -> without == null || !entry.endsWith(without))
        .map(entry -> Files.isDirectory(entry) ? packed(entry) : entry)
        .map(Path::toString)
        .collect(joining(File.pathSeparator));
  }

  private static synchronized Path packed(Path folder) {
    return PACKED.computeIfAbsent(folder, ClassArchive::pack);
  }

  private static Path pack(Path folder) {
    Path jar = Kept.DIRECTORY.resolve(folder.getFileName() + ".jar");
    try (OutputStream out = Files.newOutputStream(jar);
        JarOutputStream entries = new JarOutputStream(out);
        Stream<Path> all = Files.walk(folder)) {
      for (Path path : all.filter(Files::isRegularFile).toList()) {
        entries.putNextEntry(
            new JarEntry(folder.relativize(path).toString().replace(File.separatorChar, '/')));
        Files.copy(path, entries);
        entries.closeEntry();
      }
      return jar;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
