package io.sluice.probe;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.model.Reason;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;
import org.junit.jupiter.api.Test;

/** What a server says reaches the driver as it may be, or not at all. */
class TdsTokensTest {
  private static final byte[] DONE = {(byte) 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};

  private static byte[] environment(int type, int... data) {
    ByteArrayOutputStream token = new ByteArrayOutputStream();
    token.write(0xe3);
    token.write(data.length + 1);
    token.write(0);
    token.write(type);
    for (int b : data) {
      token.write(b);
    }
    return token.toByteArray();
  }

  private static byte[] join(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }

  @Test
  void packetSizesAndMirrorsAreLeftOutAndTheRestIsKept() throws IOException {
    byte[] database = environment(1, 0, 0);
    byte[] said = join(environment(4, 0, 0), database, environment(13, 0, 0), DONE);

    assertThat(new TdsTokens().permitted(said)).isEqualTo(join(database, DONE));
  }

  @Test
  void aDirectionToAnotherServerEndsTheTest() {
    assertThat(refusal(join(DONE, environment(20, 0, 0)))).isEqualTo(Reason.REDIRECT_REFUSED);
  }

  @Test
  void aTokenThatSaysMoreThanThereIsEndsTheTest() {
    byte[] cut = {(byte) 0xab, (byte) 0xff, (byte) 0xff, 1};
    byte[] feature = {(byte) 0xae, 4, -1, -1, -1, 0x7f, 1};
    byte[] negative = {(byte) 0xae, 4, -1, -1, -1, -1, 1};
    byte[] state = {(byte) 0xe4, -1, -1, -1, -1, 1};
    for (byte[] said : List.of(cut, feature, negative, state)) {
      assertThat(refusal(said)).isEqualTo(Reason.PROTOCOL_MISMATCH);
    }
  }

  private static Reason refusal(byte[] said) {
    try {
      new TdsTokens().permitted(said);
      return null;
    } catch (TdsBreach e) {
      return e.reason();
    }
  }

  @Provide
  Arbitrary<byte[]> talk() {
    Arbitrary<Byte> bytes = Arbitraries.bytes();
    Arbitrary<byte[]> tokens =
        Combinators.combine(
                Arbitraries.of(0x81, 0xa9, 0xaa, 0xab, 0xad, 0xae, 0xd1, 0xd2, 0xe3, 0xe4, 0xfd),
                Arbitraries.integers().between(0, 40),
                bytes.array(byte[].class).ofMaxSize(40))
            .as(
                (token, length, data) ->
                    join(new byte[] {token.byteValue(), length.byteValue(), 0}, data));
    return Arbitraries.frequencyOf(
            Tuple.of(3, tokens),
            Tuple.of(2, Arbitraries.of(4, 13, 1, 7).map(type -> environment(type, 0, 0))),
            Tuple.of(1, Arbitraries.of(DONE)),
            Tuple.of(1, bytes.array(byte[].class).ofMaxSize(60)))
        .list()
        .ofMaxSize(5)
        .map(list -> join(list.toArray(byte[][]::new)));
  }

  @Property(tries = 2000)
  void whateverAServerSaysIsReadOrRefused(@ForAll("talk") byte[] first, @ForAll("talk") byte[] next)
      throws IOException {
    TdsTokens tokens = new TdsTokens();
    for (byte[] said : List.of(first, next)) {
      byte[] permitted;
      try {
        permitted = tokens.permitted(said);
      } catch (TdsBreach e) {
        return;
      }
      assertThat(permitted.length).isLessThanOrEqualTo(said.length);
    }
  }

  @Property(tries = 1000)
  void whateverAServerSendsIsAMessageOrRefused(@ForAll("talk") byte[] bytes) {
    try {
      assertThat(TdsPacket.readResponse(new ByteArrayInputStream(bytes)).length)
          .isLessThanOrEqualTo(bytes.length);
    } catch (IOException e) {
      // Ended, or refused.
    }
  }

  @Property(tries = 500)
  void aMessageOfAnyLengthIsReadAsItWasWritten(@ForAll("lengths") int length) throws IOException {
    byte[] data = new byte[length];
    for (int i = 0; i < length; i++) {
      data[i] = (byte) (i * 31);
    }
    byte[] written = TdsPacket.message(TdsPacket.RESPONSE, data);

    assertThat(TdsPacket.readResponse(new ByteArrayInputStream(written))).isEqualTo(data);
  }

  @Provide
  Arbitrary<Integer> lengths() {
    return Arbitraries.integers().between(0, 20_000);
  }
}
