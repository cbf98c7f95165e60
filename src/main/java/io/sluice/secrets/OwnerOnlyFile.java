package io.sluice.secrets;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.EnumSet;
import java.util.Set;
import java.util.function.UnaryOperator;

/**
 * A small text file that nobody but its owner may read. It is always whole: a reader sees the old
 * content or the new one. Writers of several processes take turns through a lock file beside it.
 *
 * <p>On a file system without POSIX permissions the rights cannot be checked and are not.
 */
public final class OwnerOnlyFile {
  private static final Set<PosixFilePermission> OWNER_FILE =
      PosixFilePermissions.fromString("rw-------");
  private static final Set<PosixFilePermission> OWNER_DIRECTORY =
      PosixFilePermissions.fromString("rwx------");
  private static final Set<PosixFilePermission> OWNER_BITS =
      EnumSet.of(
          PosixFilePermission.OWNER_READ,
          PosixFilePermission.OWNER_WRITE,
          PosixFilePermission.OWNER_EXECUTE);

  /** A {@link FileLock} excludes other processes only; this one excludes the threads of ours. */
  private static final Object WRITERS = new Object();

  private final Path path;

  public OwnerOnlyFile(Path path) {
    this.path = path.toAbsolutePath();
  }

  Path path() {
    return path;
  }

  public boolean exists() {
    return Files.exists(path);
  }

  /**
   * @throws VaultException when the group or anybody else has any right to the file
   */
  public String read() {
    try {
      if (posix(path)) {
        Set<PosixFilePermission> rights = Files.getPosixFilePermissions(path);
        if (!OWNER_BITS.containsAll(rights)) {
          throw new VaultException(
              "The file "
                  + path
                  + " holds a secret but has the rights "
                  + PosixFilePermissions.toString(rights)
                  + ". Take them from everybody but its owner: chmod 600 "
                  + path);
        }
      }
      return Files.readString(path, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new VaultException(
          "The file " + path + " cannot be read (" + e.getClass().getSimpleName() + ").");
    }
  }

  /**
   * Replaces the content, one writer at a time across processes.
   *
   * @param change gets the present content, null when there is no file yet, and gives the next one;
   *     the same content back writes nothing
   * @return the content that the file now has
   */
  public String update(UnaryOperator<String> change) {
    synchronized (WRITERS) {
      try {
        createDirectory();
        Path lock = path.resolveSibling(path.getFileName() + ".lock");
        try (FileChannel channel =
                FileChannel.open(
                    lock,
                    EnumSet.of(StandardOpenOption.CREATE, StandardOpenOption.WRITE),
                    ownerOnly(path.getParent(), OWNER_FILE));
            FileLock held = channel.lock()) {
          String before = exists() ? read() : null;
          String after = change.apply(before);
          if (held.isValid() && !after.equals(before)) {
            replace(after);
          }
          return after;
        }
      } catch (IOException e) {
        throw new VaultException(
            "The file " + path + " cannot be written (" + e.getClass().getSimpleName() + ").");
      }
    }
  }

  private void createDirectory() throws IOException {
    Path directory = path.getParent();
    if (!Files.isDirectory(directory)) {
      Path existing = directory;
      while (!Files.exists(existing)) {
        existing = existing.getParent();
      }
      Files.createDirectories(directory, ownerOnly(existing, OWNER_DIRECTORY));
    }
  }

  private void replace(String content) throws IOException {
    Path directory = path.getParent();
    Path draft =
        Files.createTempFile(
            directory, path.getFileName() + ".", ".new", ownerOnly(directory, OWNER_FILE));
    try {
      try (FileChannel channel = FileChannel.open(draft, StandardOpenOption.WRITE)) {
        ByteBuffer bytes = StandardCharsets.UTF_8.encode(content);
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
        channel.force(true);
      }
      Files.move(draft, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(draft);
    }
    if (posix(directory)) {
      // The name must survive a power cut too: losing a key file is losing every secret.
      try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
        channel.force(true);
      }
    }
  }

  private static FileAttribute<?>[] ownerOnly(Path where, Set<PosixFilePermission> rights) {
    return posix(where)
        ? new FileAttribute<?>[] {PosixFilePermissions.asFileAttribute(rights)}
        : new FileAttribute<?>[0];
  }

  private static boolean posix(Path where) {
    try {
      return Files.getFileStore(where).supportsFileAttributeView("posix");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
