package io.github.tuneqdm.storage;

import java.lang.reflect.Method;
import java.lang.reflect.RecordComponent;
import org.apache.parquet.io.api.Binary;
import org.apache.parquet.io.api.RecordConsumer;
import org.apache.parquet.schema.LogicalTypeAnnotation;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;

/**
 * One column of a table and the record component it comes from.
 *
 * @param name the column's name
 * @param kind what it holds
 * @param required whether every row has a value; only primitive components are
 * @param accessor reads the component
 */
record ParquetColumn(String name, Kind kind, boolean required, Method accessor) {

  /** What a column holds and how Parquet stores it. */
  enum Kind {
    STRING(PrimitiveTypeName.BINARY),
    INT(PrimitiveTypeName.INT32),
    LONG(PrimitiveTypeName.INT64),
    FLOAT(PrimitiveTypeName.FLOAT),
    DOUBLE(PrimitiveTypeName.DOUBLE),
    BOOLEAN(PrimitiveTypeName.BOOLEAN),
    BYTES(PrimitiveTypeName.BINARY),
    FLOATS(PrimitiveTypeName.FLOAT);

    final PrimitiveTypeName primitive;

    Kind(PrimitiveTypeName primitive) {
      this.primitive = primitive;
    }

    private static Kind of(Class<?> type) {
      if (type == String.class) {
        return STRING;
      } else if (type == int.class || type == Integer.class) {
        return INT;
      } else if (type == long.class || type == Long.class) {
        return LONG;
      } else if (type == float.class || type == Float.class) {
        return FLOAT;
      } else if (type == double.class || type == Double.class) {
        return DOUBLE;
      } else if (type == boolean.class || type == Boolean.class) {
        return BOOLEAN;
      } else if (type == byte[].class) {
        return BYTES;
      } else if (type == float[].class) {
        return FLOATS;
      }
      throw new IllegalArgumentException("A column cannot hold " + type);
    }
  }

  static ParquetColumn of(String name, RecordComponent component) {
    Method accessor = component.getAccessor();
    accessor.setAccessible(true);
    Class<?> type = component.getType();
    return new ParquetColumn(name, Kind.of(type), type.isPrimitive(), accessor);
  }

  Type parquetType() {
    if (kind == Kind.FLOATS) {
      return Types.optionalList().requiredElement(PrimitiveTypeName.FLOAT).named(name);
    }
    Types.PrimitiveBuilder<?> builder =
        required ? Types.required(kind.primitive) : Types.optional(kind.primitive);
    return (Type)
        (kind == Kind.STRING ? builder.as(LogicalTypeAnnotation.stringType()) : builder)
            .named(name);
  }

  /** Writes one value as the column at {@code index}; a null leaves the field out. */
  void write(RecordConsumer out, int index, Object value) {
    if (value == null) {
      return;
    }
    out.startField(name, index);
    switch (kind) {
      case STRING -> out.addBinary(Binary.fromString((String) value));
      case INT -> out.addInteger((Integer) value);
      case LONG -> out.addLong((Long) value);
      case FLOAT -> out.addFloat((Float) value);
      case DOUBLE -> out.addDouble((Double) value);
      case BOOLEAN -> out.addBoolean((Boolean) value);
      case BYTES -> out.addBinary(Binary.fromConstantByteArray((byte[]) value));
      case FLOATS -> writeList(out, (float[]) value);
    }
    out.endField(name, index);
  }

  private static void writeList(RecordConsumer out, float[] values) {
    out.startGroup();
    if (values.length > 0) {
      out.startField("list", 0);
      for (float value : values) {
        out.startGroup();
        out.startField("element", 0);
        out.addFloat(value);
        out.endField("element", 0);
        out.endGroup();
      }
      out.endField("list", 0);
    }
    out.endGroup();
  }
}
