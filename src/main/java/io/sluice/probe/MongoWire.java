package io.sluice.probe;

import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import org.bson.BsonDocument;
import org.bson.BsonString;
import org.bson.BsonValue;
import org.bson.RawBsonDocument;
import org.bson.codecs.BsonDocumentCodec;

/**
 * Commands and their answers on one connection, as {@code OP_MSG} of MongoDB's wire protocol
 * (MongoDB documentation, "MongoDB Wire Protocol"): a header of 16 bytes, flags, and one BSON
 * document. Compression, checksums and streams of answers are never asked for, so none is taken.
 *
 * <p>Used by one thread. An answer is read lazily: no depth of nesting costs anything.
 */
final class MongoWire {
  /** A handshake of a replica set of 50 members takes some KiB. */
  static final int MAX_MESSAGE_BYTES = 1024 * 1024;

  private static final int OP_MSG = 2013;
  private static final int HEADER_BYTES = 16;
  private static final int PREFIX_BYTES = HEADER_BYTES + Integer.BYTES + 1;
  private static final int EMPTY_DOCUMENT_BYTES = 5;

  private final InputStream in;
  private final OutputStream out;
  private int requests;
  private boolean answered;

  MongoWire(InputStream in, OutputStream out) {
    this.in = in;
    this.out = out;
  }

  /** The peer sends what is no answer of this protocol to the command. */
  static final class Malformed extends IOException {
    private static final long serialVersionUID = 1L;

    Malformed(String message) {
      super(message);
    }
  }

  /** The server's own "no", by its code; 0 where it names none. */
  static final class Refused extends Exception {
    private static final long serialVersionUID = 1L;

    private final int code;

    Refused(int code) {
      super(null, null, false, false);
      this.code = code;
    }

    int code() {
      return code;
    }
  }

  /** Whether the peer has given one whole answer. */
  boolean answered() {
    return answered;
  }

  /**
   * Sends a command and waits for its answer.
   *
   * @param command its first key is its name; not changed
   * @throws Refused when the server answers that it failed
   * @throws Malformed when what comes is not the answer
   * @throws IOException when nothing comes
   */
  BsonDocument command(String database, BsonDocument command) throws IOException, Refused {
    BsonDocument whole = command.clone();
    whole.append("$db", new BsonString(database));
    // A secondary is as good: nothing is written.
    whole.append("$readPreference", new BsonDocument("mode", new BsonString("primaryPreferred")));
    RawBsonDocument body = new RawBsonDocument(whole, new BsonDocumentCodec());
    ByteBuffer document = body.getByteBuffer().asNIO();
    int id = ++requests;
    ByteBuffer message =
        ByteBuffer.allocate(PREFIX_BYTES + document.remaining()).order(ByteOrder.LITTLE_ENDIAN);
    message.putInt(message.capacity()).putInt(id).putInt(0).putInt(OP_MSG);
    message.putInt(0).put((byte) 0).put(document);
    out.write(message.array());
    out.flush();
    BsonDocument answer = answer(id);
    answered = true;
    if (number(answer, "ok") != 1) {
      throw new Refused(number(answer, "code"));
    }
    return answer;
  }

  private BsonDocument answer(int id) throws IOException {
    ByteBuffer header = ByteBuffer.wrap(read(HEADER_BYTES)).order(ByteOrder.LITTLE_ENDIAN);
    int length = header.getInt();
    header.getInt();
    int responseTo = header.getInt();
    int opcode = header.getInt();
    if (length < PREFIX_BYTES + EMPTY_DOCUMENT_BYTES
        || length > MAX_MESSAGE_BYTES
        || responseTo != id
        || opcode != OP_MSG) {
      throw new Malformed("The peer does not answer with a message of this protocol.");
    }
    byte[] rest = read(length - HEADER_BYTES);
    ByteBuffer sections = ByteBuffer.wrap(rest).order(ByteOrder.LITTLE_ENDIAN);
    int flags = sections.getInt();
    int kind = sections.get();
    int start = sections.position();
    if (flags != 0 || kind != 0 || sections.getInt(start) != rest.length - start) {
      throw new Malformed("The answer is not one document.");
    }
    return new RawBsonDocument(rest, start, rest.length - start);
  }

  private byte[] read(int count) throws IOException {
    byte[] bytes = in.readNBytes(count);
    if (bytes.length < count) {
      throw new EOFException("The server has closed the connection.");
    }
    return bytes;
  }

  /** Zero where there is none. */
  static int number(BsonDocument document, String key) {
    BsonValue value = document.get(key);
    return value != null && value.isNumber() ? value.asNumber().intValue() : 0;
  }
}
