package io.github.tuneqdm.storage;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A pickle machine that can build plain data and nothing else. Globals and persistent ids are
 * resolved by the caller, who knows a short list of them; no class is looked up and no code is run.
 * Understands what Python's pickle protocols 2 to 5 use for dicts, lists, tuples, strings, numbers,
 * booleans and None.
 */
final class PickleMachine {
  /** Resolves what a pickle refers to by name. */
  interface Resolver {
    /**
     * What a global stands for.
     *
     * @throws MalformedCheckpoint naming the global where it is not on the list
     */
    Object global(String module, String name) throws MalformedCheckpoint;

    /** The object behind a persistent id. */
    Object persistent(Object id) throws MalformedCheckpoint;

    /** The result of calling a resolved global. */
    Object call(Object global, List<?> arguments) throws MalformedCheckpoint;
  }

  private static final int MAX_STACK = 1_000_000;
  private static final int MAX_MEMO = 1_000_000;
  private static final long MAX_OBJECTS = 5_000_000;
  private static final int MAX_PROTOCOL = 5;

  private final ByteBuffer in;
  private final Resolver resolver;
  private final Map<Integer, Object> memo = new HashMap<>();
  private final Deque<List<Object>> outerStacks = new ArrayDeque<>();
  private List<Object> stack = new ArrayList<>();
  private long objects;

  private PickleMachine(ByteBuffer in, Resolver resolver) {
    this.in = in.duplicate().order(ByteOrder.LITTLE_ENDIAN);
    this.resolver = resolver;
  }

  /**
   * Runs a pickle to its end.
   *
   * @return {@code Map}, {@code List}, {@code String}, {@code Long}, {@code Double}, {@code
   *     Boolean}, null, or what the resolver made
   */
  static Object run(ByteBuffer pickle, Resolver resolver) throws MalformedCheckpoint {
    PickleMachine machine = new PickleMachine(pickle, resolver);
    try {
      return machine.run();
    } catch (BufferUnderflowException e) {
      throw new MalformedCheckpoint("its pickle is truncated");
    }
  }

  private Object run() throws MalformedCheckpoint {
    while (true) {
      int at = in.position();
      int opcode = Byte.toUnsignedInt(in.get());
      if (++objects > MAX_OBJECTS) {
        throw new MalformedCheckpoint("its pickle has too many steps");
      }
      switch (opcode) {
        case 0x80 -> requireProtocol(Byte.toUnsignedInt(in.get()));
        case 0x95 -> in.getLong(); // FRAME: a hint for buffering
        case '.' -> {
          return result();
        }
        case '(' -> mark();
        case '0' -> pop();
        case '1' -> popToMark();
        case '2' -> push(top());
        case 'N' -> push(null);
        case 0x88 -> push(Boolean.TRUE);
        case 0x89 -> push(Boolean.FALSE);
        case 'J' -> push((long) in.getInt());
        case 'K' -> push((long) Byte.toUnsignedInt(in.get()));
        case 'M' -> push((long) Short.toUnsignedInt(in.getShort()));
        case 0x8a -> push(longOf(Byte.toUnsignedInt(in.get())));
        case 0x8b -> push(longOf(length(Integer.toUnsignedLong(in.getInt()))));
        case 'G' -> push(Double.longBitsToDouble(Long.reverseBytes(in.getLong())));
        case 'X' -> push(text(Integer.toUnsignedLong(in.getInt())));
        case 0x8c -> push(text(Byte.toUnsignedInt(in.get())));
        case 0x8d -> push(text(in.getLong()));
        case '}' -> push(new LinkedHashMap<String, Object>());
        case ']' -> push(new ArrayList<>());
        case ')' -> push(List.of());
        case 't' -> push(Collections.unmodifiableList(popToMark()));
        case 0x85 -> pushTuple(1);
        case 0x86 -> pushTuple(2);
        case 0x87 -> pushTuple(3);
        case 'l' -> push(popToMark());
        case 'd' -> {
          Map<String, Object> map = new LinkedHashMap<>();
          putAll(map, popToMark());
          push(map);
        }
        case 'a' -> {
          Object item = pop();
          growing(top()).add(item);
        }
        case 'e' -> {
          List<Object> items = popToMark();
          growing(top()).addAll(items);
        }
        case 's' -> {
          Object value = pop();
          Object key = pop();
          putAll(map(top()), Collections.unmodifiableList(pair(key, value)));
        }
        case 'u' -> {
          List<Object> items = popToMark();
          putAll(map(top()), items);
        }
        case 'q' -> remember(Byte.toUnsignedLong(in.get()));
        case 'r' -> remember(Integer.toUnsignedLong(in.getInt()));
        case 0x94 -> remember(memo.size());
        case 'h' -> push(recall(Byte.toUnsignedLong(in.get())));
        case 'j' -> push(recall(Integer.toUnsignedLong(in.getInt())));
        case 'c' -> {
          String module = line();
          push(resolver.global(module, line()));
        }
        case 0x93 -> {
          String name = string(pop());
          push(resolver.global(string(pop()), name));
        }
        case 'Q' -> push(resolver.persistent(pop()));
        case 'R' -> {
          Object arguments = pop();
          push(resolver.call(pop(), list(arguments)));
        }
        case 'b' -> dropAttributes();
        default ->
            throw new MalformedCheckpoint(
                "its pickle uses the operation 0x%02x at byte %d, which plain data do not need"
                    .formatted(opcode, at));
      }
    }
  }

  private static List<Object> pair(Object key, Object value) {
    List<Object> pair = new ArrayList<>(2);
    pair.add(key);
    pair.add(value);
    return pair;
  }

  private static void requireProtocol(int protocol) throws MalformedCheckpoint {
    if (protocol > MAX_PROTOCOL) {
      throw new MalformedCheckpoint("its pickle has the unknown protocol " + protocol);
    }
  }

  private Object result() throws MalformedCheckpoint {
    if (stack.size() != 1 || !outerStacks.isEmpty() || in.hasRemaining()) {
      throw new MalformedCheckpoint("its pickle does not end where it says");
    }
    return stack.get(0);
  }

  private void push(Object value) throws MalformedCheckpoint {
    if (stack.size() >= MAX_STACK) {
      throw new MalformedCheckpoint("its pickle's stack grows over the limit");
    }
    stack.add(value);
  }

  private Object pop() throws MalformedCheckpoint {
    if (stack.isEmpty()) {
      throw new MalformedCheckpoint("its pickle takes from an empty stack");
    }
    return stack.remove(stack.size() - 1);
  }

  private Object top() throws MalformedCheckpoint {
    if (stack.isEmpty()) {
      throw new MalformedCheckpoint("its pickle takes from an empty stack");
    }
    return stack.get(stack.size() - 1);
  }

  private void mark() throws MalformedCheckpoint {
    if (outerStacks.size() >= MAX_STACK) {
      throw new MalformedCheckpoint("its pickle's stack grows over the limit");
    }
    outerStacks.push(stack);
    stack = new ArrayList<>();
  }

  private List<Object> popToMark() throws MalformedCheckpoint {
    if (outerStacks.isEmpty()) {
      throw new MalformedCheckpoint("its pickle goes back to a mark that is not there");
    }
    List<Object> items = stack;
    stack = outerStacks.pop();
    return items;
  }

  private void pushTuple(int size) throws MalformedCheckpoint {
    Object[] items = new Object[size];
    for (int i = size - 1; i >= 0; i--) {
      items[i] = pop();
    }
    push(Collections.unmodifiableList(Arrays.asList(items)));
  }

  private void remember(long slot) throws MalformedCheckpoint {
    if (slot > MAX_MEMO || memo.size() > MAX_MEMO) {
      throw new MalformedCheckpoint("its pickle's memo grows over the limit");
    }
    memo.put((int) slot, top());
  }

  private Object recall(long slot) throws MalformedCheckpoint {
    if (slot > MAX_MEMO || !memo.containsKey((int) slot)) {
      throw new MalformedCheckpoint("its pickle recalls what it never remembered");
    }
    return memo.get((int) slot);
  }

  private static void putAll(Map<String, Object> map, List<Object> items)
      throws MalformedCheckpoint {
    if (items.size() % 2 != 0) {
      throw new MalformedCheckpoint("its pickle has a key without a value");
    }
    for (int i = 0; i < items.size(); i += 2) {
      if (!(items.get(i) instanceof String key)) {
        throw new MalformedCheckpoint(
            "a dict of it has the key %s, which is no text".formatted(type(items.get(i))));
      }
      map.put(key, items.get(i + 1));
    }
  }

  @SuppressWarnings("unchecked") // maps and lists here are the ones this machine made
  private static Map<String, Object> map(Object value) throws MalformedCheckpoint {
    if (value instanceof LinkedHashMap<?, ?> map) {
      return (Map<String, Object>) map;
    }
    throw new MalformedCheckpoint("its pickle puts an item into " + type(value));
  }

  @SuppressWarnings("unchecked") // see above; tuples are not ArrayLists
  private static List<Object> growing(Object value) throws MalformedCheckpoint {
    if (value instanceof ArrayList<?> list) {
      return (List<Object>) list;
    }
    throw new MalformedCheckpoint("its pickle appends to " + type(value));
  }

  private static List<?> list(Object value) throws MalformedCheckpoint {
    if (value instanceof List<?> list) {
      return list;
    }
    throw new MalformedCheckpoint("its pickle takes %s for a tuple".formatted(type(value)));
  }

  private static String string(Object value) throws MalformedCheckpoint {
    if (value instanceof String text) {
      return text;
    }
    throw new MalformedCheckpoint("its pickle takes %s for a text".formatted(type(value)));
  }

  private static String type(Object value) {
    return value == null ? "None" : value.getClass().getSimpleName();
  }

  /** State dicts carry attributes of the dict itself, such as {@code _metadata}: not needed. */
  private void dropAttributes() throws MalformedCheckpoint {
    pop();
    if (!(top() instanceof Map<?, ?>)) {
      throw new MalformedCheckpoint("its pickle sets attributes of " + type(top()));
    }
  }

  private int length(long length) throws MalformedCheckpoint {
    if (length < 0 || length > in.remaining()) {
      throw new MalformedCheckpoint("its pickle is truncated");
    }
    return (int) length;
  }

  private String text(long length) throws MalformedCheckpoint {
    ByteBuffer bytes = in.slice(in.position(), length(length));
    in.position(in.position() + (int) length);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw new MalformedCheckpoint("its pickle holds text that is not UTF-8");
    }
  }

  private String line() throws MalformedCheckpoint {
    int start = in.position();
    int end = start;
    while (end < in.limit() && in.get(end) != '\n') {
      end++;
    }
    String text = text(end - start);
    in.get(); // the line's end; missing where the pickle is truncated
    return text;
  }

  /** A little-endian two's-complement integer of so many bytes. */
  private Long longOf(int length) throws MalformedCheckpoint {
    if (length > Long.BYTES) {
      throw new MalformedCheckpoint("its pickle holds an integer of more than 64 bits");
    }
    length(length);
    long value = 0;
    for (int i = 0; i < length; i++) {
      value |= Byte.toUnsignedLong(in.get()) << 8 * i;
    }
    int unused = Long.SIZE - 8 * length;
    return length == 0 ? 0L : value << unused >> unused;
  }
}
