package io.sluice.servers;

import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.instrument.ClassFileTransformer;
import java.lang.instrument.Instrumentation;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.ProtectionDomain;
import java.util.Map;
import java.util.Set;
import java.util.jar.JarFile;
import net.bytebuddy.jar.asm.ClassReader;
import net.bytebuddy.jar.asm.ClassVisitor;
import net.bytebuddy.jar.asm.ClassWriter;
import net.bytebuddy.jar.asm.MethodVisitor;
import net.bytebuddy.jar.asm.Opcodes;

/**
 * Runs inside the process whose clock {@link ShiftedClock} moves: whoever asks for the time of day,
 * the Java library included, is told another. The clock that only counts ({@code System.nanoTime})
 * goes on, as it does on a machine whose time is set.
 */
public final class ClockAgent implements ClassFileTransformer {
  /** What tells the time of day, and what is added to it. */
  private static final Map<String, String> SOURCES =
      Map.of(
          "java/lang/System.currentTimeMillis", "millis",
          "jdk/internal/misc/VM.getNanoTimeAdjustment", "nanos");

  /** Part of every Java process before an agent is. */
  private static final Set<String> LOADED_BEFORE =
      Set.of("java.time.Clock", "java.time.Clock$SystemClock", "java.util.Date");

  private ClockAgent() {}

  /**
   * @param where the file of {@link ClockShift} and the port of the test, with a blank between
   */
  public static void premain(String where, Instrumentation process) throws Exception {
    String[] parts = where.split(" ", -1);
    process.appendToBootstrapClassLoaderSearch(new JarFile(parts[0]));
    process.addTransformer(new ClockAgent(), true);
    for (Class<?> loaded : process.getAllLoadedClasses()) {
      if (LOADED_BEFORE.contains(loaded.getName())) {
        process.retransformClasses(loaded);
      }
    }
    int port = Integer.parseInt(parts[1]);
    Thread obedient = new Thread(() -> obey(port), "clock");
    obedient.setDaemon(true);
    obedient.start();
  }

  private static void obey(int port) {
    try (Socket test = new Socket(InetAddress.getLoopbackAddress(), port);
        DataInputStream shifts = new DataInputStream(test.getInputStream())) {
      while (true) {
        ClockShift.to(shifts.readLong());
        test.getOutputStream().write(0);
      }
    } catch (EOFException e) {
      // The test is over.
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public byte[] transform(
      ClassLoader loader,
      String name,
      Class<?> redefined,
      ProtectionDomain domain,
      byte[] classFile) {
    String constants = new String(classFile, StandardCharsets.ISO_8859_1);
    if (SOURCES.keySet().stream()
        .noneMatch(source -> constants.contains(source.substring(source.indexOf('.') + 1)))) {
      return null;
    }
    ClassReader reader = new ClassReader(classFile);
    ClassWriter writer = new ClassWriter(reader, ClassWriter.COMPUTE_MAXS);
    reader.accept(
        new ClassVisitor(Opcodes.ASM9, writer) {
          @Override
          public MethodVisitor visitMethod(
              int access, String method, String type, String signature, String[] exceptions) {
            return new Shifting(super.visitMethod(access, method, type, signature, exceptions));
          }
        },
        0);
    return writer.toByteArray();
  }

  private static final class Shifting extends MethodVisitor {
    Shifting(MethodVisitor written) {
      super(Opcodes.ASM9, written);
    }

    @Override
    public void visitMethodInsn(
        int opcode, String owner, String name, String type, boolean ofInterface) {
      super.visitMethodInsn(opcode, owner, name, type, ofInterface);
      String shift = SOURCES.get(owner + "." + name);
      if (shift != null) {
        super.visitMethodInsn(
            Opcodes.INVOKESTATIC, "io/sluice/servers/ClockShift", shift, "()J", false);
        super.visitInsn(Opcodes.LADD);
      }
    }
  }
}
