package io.sluice.bench;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** What a process takes of the machine, as Linux tells it (proc(5)). */
record Usage(ProcessHandle process) {
  private static final Pattern HIGHEST = Pattern.compile("VmHWM:\\s+(\\d+) kB");
  private static final int KIB_PER_MIB = 1024;

  /** Processor time since the process began. */
  long cpuNanos() {
    return process.info().totalCpuDuration().orElseThrow().toNanos();
  }

  /** The most memory that was resident at once. */
  long highestResidentMib() {
    try {
      Matcher matcher =
          HIGHEST.matcher(
              Files.readString(Path.of("/proc", Long.toString(process.pid()), "status")));
      if (!matcher.find()) {
        throw new IllegalStateException("This system does not tell a process's memory.");
      }
      return Long.parseLong(matcher.group(1)) / KIB_PER_MIB;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
