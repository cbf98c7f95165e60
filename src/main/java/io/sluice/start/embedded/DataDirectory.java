package io.sluice.start.embedded;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Comparator;
import java.util.stream.Stream;

/**
 * A directory that one process at a time may use. The claim is a file lock, which the operating
 * system gives back however the process ends.
 */
final class DataDirectory implements AutoCloseable {
  private final Path path;
  private final FileChannel channel;

  private DataDirectory(Path path, FileChannel channel) {
    this.path = path;
    this.channel = channel;
  }

  /**
   * Makes the directory where it is missing, readable by its owner only.
   *
   * @throws IllegalStateException when it is another user's, in use, or cannot be written
   */
  static DataDirectory claim(Path directory) {
    Path path = directory.toAbsolutePath().normalize();
    try {
      Files.createDirectories(path);
      String owner = Files.getOwner(path).getName();
      if (!owner.equals(System.getProperty("user.name"))) {
        throw new IllegalStateException(
            "The directory "
                + path
                + " belongs to "
                + owner
                + "; set SLUICE_DATA to one of yours.");
      }
      if (Files.getFileStore(path).supportsFileAttributeView("posix")) {
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("rwx------"));
      }
      return new DataDirectory(path, lock(path));
    } catch (IOException e) {
      throw new IllegalStateException(
          "The directory " + path + " cannot be used; set SLUICE_DATA to one that can be written.",
          e);
    }
  }

  private static FileChannel lock(Path path) throws IOException {
    FileChannel channel =
        FileChannel.open(
            path.resolve("in-use.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    if (held(channel) == null) {
      channel.close();
      throw new IllegalStateException(
          "Another Sluice uses the directory "
              + path
              + "; stop it, or set SLUICE_DATA to another directory.");
    }
    return channel;
  }

  private static FileLock held(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }

  Path resolve(String name) {
    return path.resolve(name);
  }

  /** Deletes one entry with everything in it; does nothing where it is missing. */
  void delete(String name) {
    Path entry = resolve(name);
    if (Files.notExists(entry)) {
      return;
    }
    try (Stream<Path> all = Files.walk(entry)) {
      for (Path file : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new IllegalStateException("The directory " + entry + " could not be deleted.", e);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new IllegalStateException("The directory " + path + " could not be released.", e);
    }
  }
}
