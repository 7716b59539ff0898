package io.github.tuneqdm.config;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigList;
import com.typesafe.config.ConfigObject;
import com.typesafe.config.ConfigValue;
import com.typesafe.config.ConfigValueType;
import io.github.tuneqdm.config.StudySettings.Cell;
import io.github.tuneqdm.config.StudySettings.Search;
import io.github.tuneqdm.error.TuneQdmException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Reads and checks {@code tuneqdm.study} of a study's file; {@code src/docs/study.md} tells how.
 */
final class StudyReader {
  private static final int MOST_CELLS = 1000;
  private static final int MOST_VALUES = 1000;
  private static final int LONGEST_NAME = 60;
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_-]{0,59}");

  /**
   * What a cell may set: how it is evaluated is the same for all, and so is what one application
   * has to know of its devices.
   */
  private static final List<String> OF_A_CELL =
      List.of("quantizer.", "tuning.", "device.precision", "device.memory");

  private static final String RATE = "tuning.learning-rate";
  private static final String DEFAULT_SCORE = "dino + clip-t";

  private final Config study;
  private final Function<Map<String, ConfigValue>, TuneQdmConfig> configuration;

  /**
   * @param study the members of {@code tuneqdm.study}
   * @param configuration what holds with some settings, by path, above all else that is said
   */
  StudyReader(Config study, Function<Map<String, ConfigValue>, TuneQdmConfig> configuration) {
    this.study = study;
    this.configuration = configuration;
  }

  StudySettings read() {
    if (study.isEmpty()) {
      throw TuneQdmException.usage(
          "Cannot find a study: the file has no tuneqdm.study { name, cells, seeds } (see src/docs/study.md)");
    }
    requireMembers(study, Keys.STUDY, "name", "cells", "seeds", "subjects", "search", "reference");
    String name = text(study, "name");
    if (!NAME.matcher(name).matches()) {
      throw refused(study, "name", "at most 60 letters, digits, '_' or '-': it names a folder");
    }
    List<Long> seeds = values(study, "seeds", Long::valueOf, "whole numbers, none twice");
    List<Cell> cells = cells();
    if (seeds.isEmpty()) {
      throw refused(study, "seeds", "a list of at least one whole number");
    }
    List<String> subjects =
        study.hasPath("subjects")
            ? values(study, "subjects", Function.identity(), "names, none twice")
            : List.of();
    Optional<Search> search =
        study.hasPath("search") ? Optional.of(search(seeds.get(0))) : Optional.empty();
    for (Cell cell : cells) {
      if (cell.isSearched() && search.isEmpty()) {
        throw TuneQdmException.usage(
            "Cannot choose among the learning rates of cell \"%s\": the study has no search (add search { folds = 2 } or search { subjects = [...] }, or leave one rate)"
                .formatted(cell.name()));
      }
    }
    search.ifPresent(of -> refuseOverlap(of, subjects));
    return new StudySettings(
        name, configuration.apply(Map.of()), cells, seeds, subjects, search, reference(cells));
  }

  private Optional<String> reference(List<Cell> cells) {
    if (!study.hasPath("reference")) {
      return Optional.empty();
    }
    String reference = text(study, "reference");
    List<String> names = cells.stream().map(Cell::name).toList();
    if (!names.contains(reference)) {
      throw refused(
          study, "reference", "the name of a cell; the nearest is " + Nearest.of(reference, names));
    }
    return Optional.of(reference);
  }

  private Search search(long firstSeed) {
    Config search = object(study, "search");
    requireMembers(search, "search", "subjects", "folds", "seed", "score");
    List<String> subjects =
        search.hasPath("subjects")
            ? values(search, "subjects", Function.identity(), "names, none twice")
            : List.of();
    int folds = search.hasPath("folds") ? Key.integer("folds", 2, 100).read(search) : 0;
    if (subjects.isEmpty() == (folds == 0)) {
      throw TuneQdmException.usage(
          "Cannot use search (%s): it needs either subjects, which the final table leaves out, or folds"
              .formatted(search.origin().description()));
    }
    long seed =
        search.hasPath("seed")
            ? Key.longInteger("seed", Long.MIN_VALUE, Long.MAX_VALUE).read(search)
            : firstSeed;
    return new Search(
        subjects, folds, seed, search.hasPath("score") ? text(search, "score") : DEFAULT_SCORE);
  }

  /** A subject that chose the rate must not be what the rate is judged by. */
  private static void refuseOverlap(Search search, List<String> subjects) {
    String both =
        search.subjects().stream().filter(subjects::contains).collect(Collectors.joining(", "));
    if (!both.isEmpty()) {
      throw TuneQdmException.usage(
          "Cannot choose learning rates on subjects of the final table: %s (leave them out of study.subjects or of search.subjects, or use search.folds)"
              .formatted(both));
    }
  }

  private List<Cell> cells() {
    List<Cell> cells = new ArrayList<>();
    for (ConfigValue value : list(study, "cells")) {
      if (!(value instanceof ConfigObject members)) {
        throw TuneQdmException.usage(
            "Cannot use a cell (%s): it must be { name = ..., settings { ... } }"
                .formatted(value.origin().description()));
      }
      cells.addAll(expanded(members.toConfig()));
      if (cells.size() > MOST_CELLS) {
        throw TuneQdmException.usage(
            "Cannot use a study of more than %,d cells".formatted(MOST_CELLS));
      }
    }
    if (cells.isEmpty()) {
      throw refused(study, "cells", "a list of at least one cell");
    }
    refuseTwins(cells);
    return cells;
  }

  private static void refuseTwins(List<Cell> cells) {
    Map<String, String> settings = new HashMap<>();
    HashSet<String> names = new HashSet<>();
    for (Cell cell : cells) {
      if (!names.add(cell.name())) {
        throw TuneQdmException.usage(
            "Cannot use two cells with the name \"%s\"".formatted(cell.name()));
      }
      Map<String, String> values = cell.config().values(List.of(Keys.ROOT));
      values.remove(Keys.ROOT + RATE); // among the rates
      String all = values.toString() + cell.learningRates();
      String twin = settings.put(all, cell.name());
      if (twin != null) {
        throw TuneQdmException.usage(
            "Cannot compare cell \"%s\" with cell \"%s\": their settings are the same"
                .formatted(twin, cell.name()));
      }
    }
  }

  /** The cell, or one for each combination of its grid's values. */
  private List<Cell> expanded(Config cell) {
    requireMembers(
        cell, "cell", "name", "settings", "grid", "learning-rates", "learning-rate-source");
    String name = text(cell, "name");
    Map<String, ConfigValue> settings =
        cell.hasPath("settings") ? leaves(cell, "settings", name) : Map.of();
    Map<String, ConfigValue> grid = cell.hasPath("grid") ? leaves(cell, "grid", name) : Map.of();
    Map<String, Map<String, ConfigValue>> combinations = new LinkedHashMap<>();
    combinations.put(name, settings);
    for (Map.Entry<String, ConfigValue> axis : grid.entrySet()) {
      if (!(axis.getValue() instanceof ConfigList values) || values.isEmpty()) {
        throw TuneQdmException.usage(
            "Cannot use grid %s of cell \"%s\" (%s): it must be a list of values"
                .formatted(axis.getKey(), name, axis.getValue().origin().description()));
      }
      if (settings.containsKey(axis.getKey())) {
        throw TuneQdmException.usage(
            "Cannot use grid %s of cell \"%s\": its settings say it already"
                .formatted(axis.getKey(), name));
      }
      combinations = crossed(combinations, axis.getKey(), values);
    }
    List<Cell> cells = new ArrayList<>();
    combinations.forEach((full, values) -> cells.add(cell(cell, full, values)));
    return cells;
  }

  private static Map<String, Map<String, ConfigValue>> crossed(
      Map<String, Map<String, ConfigValue>> before, String path, ConfigList values) {
    if ((long) before.size() * values.size() > MOST_CELLS) {
      throw TuneQdmException.usage(
          "Cannot use a study of more than %,d cells".formatted(MOST_CELLS));
    }
    String shown = path.substring(path.lastIndexOf('.') + 1);
    Map<String, Map<String, ConfigValue>> crossed = new LinkedHashMap<>();
    before.forEach(
        (name, settings) -> {
          for (ConfigValue value : values) {
            Map<String, ConfigValue> more = new TreeMap<>(settings);
            more.put(path, value);
            crossed.put(name + ", " + shown + " " + Key.render(value), more);
          }
        });
    return crossed;
  }

  private Cell cell(Config cell, String name, Map<String, ConfigValue> settings) {
    if (name.isBlank()
        || name.length() > LONGEST_NAME
        || name.chars().anyMatch(c -> Character.isISOControl(c) || c == '|')) {
      throw TuneQdmException.usage(
          "Cannot use the cell name \"%s\" (%s): it must have 1 to %d characters, none of them a control or |"
              .formatted(name, cell.origin().description(), LONGEST_NAME));
    }
    TuneQdmConfig config = configuration.apply(settings);
    List<Double> rates = List.of(config.tuningLearningRate());
    if (cell.hasPath("learning-rates")) {
      if (settings.containsKey(Keys.ROOT + RATE)) {
        throw TuneQdmException.usage(
            "Cannot use learning-rates of cell \"%s\": its settings say %s already"
                .formatted(name, RATE));
      }
      rates = rates(cell, config);
    }
    Optional<String> source =
        cell.hasPath("learning-rate-source")
            ? Optional.of(text(cell, "learning-rate-source"))
            : Optional.empty();
    if (source.isPresent() && rates.size() > 1) {
      throw TuneQdmException.usage(
          "Cannot use learning-rate-source of cell \"%s\": its rate is chosen by the study's search"
              .formatted(name));
    }
    Map<String, String> shown = new TreeMap<>();
    settings.forEach((path, value) -> shown.put(path, Key.render(value)));
    return new Cell(name, config, shown, rates, source);
  }

  private static List<Double> rates(Config cell, TuneQdmConfig config) {
    List<Double> rates =
        values(cell, "learning-rates", Double::valueOf, "numbers above 0, none twice");
    for (double rate : rates) {
      if (!(rate > 0)) {
        throw refused(cell, "learning-rates", "a list of numbers above 0");
      }
      config.with(
          Map.of(Keys.ROOT + RATE, Double.toString(rate)),
          cell.getValue("learning-rates").origin().description());
    }
    if (rates.isEmpty()) {
      throw refused(cell, "learning-rates", "a list of at least one number above 0");
    }
    return rates.stream().sorted().toList();
  }

  /** The values of a cell's object by their full path, every one of them a key of a cell. */
  private static Map<String, ConfigValue> leaves(Config cell, String member, String name) {
    Map<String, ConfigValue> leaves = new TreeMap<>();
    collect("", object(cell, member).root(), leaves);
    Map<String, ConfigValue> full = new TreeMap<>();
    leaves.forEach(
        (path, value) -> {
          String origin = "cell \"" + name + "\", " + value.origin().description();
          if (Keys.named(Keys.ROOT + path).isEmpty()) {
            throw TuneQdmException.usage(
                "Unknown key %s (%s): did you mean %s?"
                    .formatted(
                        path,
                        origin,
                        Keys.nearest(Keys.ROOT + path).substring(Keys.ROOT.length())));
          }
          if (OF_A_CELL.stream().noneMatch(path::startsWith) || path.equals("tuning.seed")) {
            throw TuneQdmException.usage(
                "Cannot use %s (%s): a cell may set quantizer.*, tuning.* but for the seed, device.precision and device.memory; what holds for all stands outside of tuneqdm.study"
                    .formatted(path, origin));
          }
          full.put(Keys.ROOT + path, value);
        });
    return full;
  }

  private static void collect(
      String prefix, ConfigObject members, Map<String, ConfigValue> leaves) {
    members.forEach(
        (name, value) -> {
          if (value instanceof ConfigObject inner) {
            collect(prefix + name + ".", inner, leaves);
          } else {
            leaves.put(prefix + name, value);
          }
        });
  }

  private static void requireMembers(Config object, String where, String... names) {
    object
        .root()
        .forEach(
            (name, value) -> {
              if (!List.of(names).contains(name)) {
                throw TuneQdmException.usage(
                    "Unknown key %s of %s (%s): did you mean %s?"
                        .formatted(
                            name,
                            where,
                            value.origin().description(),
                            Nearest.of(name, List.of(names))));
              }
            });
  }

  private static String text(Config object, String name) {
    require(object, name);
    return Key.text(name).read(object);
  }

  private static Config object(Config of, String name) {
    if (of.getValue(name) instanceof ConfigObject members) {
      return members.toConfig();
    }
    throw refused(of, name, "an object, such as " + name + " { ... }");
  }

  private static ConfigList list(Config object, String name) {
    require(object, name);
    if (object.getValue(name) instanceof ConfigList members) {
      return members;
    }
    throw refused(object, name, "a list");
  }

  private static void require(Config object, String name) {
    if (!object.hasPath(name)) {
      throw TuneQdmException.usage(
          "Cannot read the study: %s is missing (%s)"
              .formatted(name, object.origin().description()));
    }
  }

  private static <T> List<T> values(
      Config object, String name, Function<String, T> parser, String allowed) {
    List<T> values = new ArrayList<>();
    for (ConfigValue value : list(object, name)) {
      if (value.valueType() != ConfigValueType.STRING
          && value.valueType() != ConfigValueType.NUMBER) {
        throw refused(object, name, "a list of " + allowed);
      }
      try {
        values.add(parser.apply(value.unwrapped().toString()));
      } catch (NumberFormatException e) {
        throw refused(object, name, "a list of " + allowed);
      }
    }
    if (values.size() > MOST_VALUES || new HashSet<>(values).size() < values.size()) {
      throw refused(object, name, "a list of %s, %,d at most".formatted(allowed, MOST_VALUES));
    }
    return values;
  }

  private static TuneQdmException refused(Config object, String name, String allowed) {
    ConfigValue value = object.getValue(name);
    return TuneQdmException.usage(
        "Cannot use %s = %s (%s): it must be %s"
            .formatted(name, Key.render(value), value.origin().description(), allowed));
  }
}
