package io.github.tuneqdm;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import ai.djl.Device;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import io.github.tuneqdm.tensor.Compute;
import io.github.tuneqdm.tensor.Precision;

/** Who may import whom: data flows storage to models to tuning to jobs to the command line. */
@AnalyzeClasses(packages = "io.github.tuneqdm", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String ROOT = "io.github.tuneqdm.";

  @ArchTest
  static final ArchRule sparkStaysInItsRoom =
      noClasses()
          .that()
          .resideOutsideOfPackages(ROOT + "spark..", ROOT + "cli..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.apache.spark..", "scala..");

  @ArchTest
  static final ArchRule theCommandLineKnowsNoSpark =
      noClasses()
          .that()
          .resideInAPackage(ROOT + "cli..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.apache.spark..", "scala..");

  @ArchTest
  static final ArchRule picocliStaysOnTheCommandLine =
      noClasses()
          .that()
          .resideOutsideOfPackage(ROOT + "cli..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("picocli..");

  @ArchTest
  static final ArchRule configurationFilesAreReadInOneRoom =
      noClasses()
          .that()
          .resideOutsideOfPackage(ROOT + "config..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("com.typesafe.config..");

  @ArchTest
  static final ArchRule theEngineStaysWithTensors =
      noClasses()
          .that()
          .resideInAnyPackage(
              ROOT + "error..",
              ROOT + "config..",
              ROOT + "storage..",
              ROOT + "quant..",
              ROOT + "image..",
              ROOT + "text..",
              ROOT + "metrics..",
              ROOT + "report..",
              ROOT + "cli..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("ai.djl..");

  @ArchTest
  static final ArchRule jobsMeetTheEngineInOnePlace =
      noClasses()
          .that()
          .resideInAPackage(ROOT + "spark..")
          .and()
          .doNotHaveSimpleName("TaskEnvironment")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("ai.djl..");

  /** Else a driver on a shared machine would hold memory of a GPU that it never uses. */
  @ArchTest
  static final ArchRule jobsOpenGpusInTasksAlone =
      noClasses()
          .that()
          .resideInAPackage(ROOT + "spark..")
          .and()
          .doNotHaveSimpleName("TaskEnvironment")
          .should()
          .callMethod(Compute.class, "open", Device.class, Precision.class, int.class);

  @ArchTest
  static final ArchRule hadoopStaysWithStorageAndJobs =
      noClasses()
          .that()
          .resideOutsideOfPackages(ROOT + "storage..", ROOT + "quant..", ROOT + "spark..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("org.apache.hadoop..", "org.apache.parquet..");

  @ArchTest
  static final ArchRule nothingImportsTheCommandLineAndOnlyItImportsJobs =
      layeredArchitecture()
          .consideringOnlyDependenciesInLayers()
          .layer("cli")
          .definedBy(ROOT + "cli..")
          .layer("spark")
          .definedBy(ROOT + "spark..")
          .whereLayer("cli")
          .mayNotBeAccessedByAnyLayer()
          .whereLayer("spark")
          .mayOnlyBeAccessedByLayers("cli");

  @ArchTest
  static final ArchRule pureRoomsImportNothingAbove =
      noClasses()
          .that()
          .resideInAnyPackage(
              ROOT + "storage..",
              ROOT + "quant..",
              ROOT + "image..",
              ROOT + "text..",
              ROOT + "metrics..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              ROOT + "config..",
              ROOT + "tensor..",
              ROOT + "nn..",
              ROOT + "models..",
              ROOT + "tuning..",
              ROOT + "sampling..",
              ROOT + "report..");

  @ArchTest
  static final ArchRule errorsImportNothingOfOurs =
      classes()
          .that()
          .resideInAPackage(ROOT + "error..")
          .should()
          .onlyDependOnClassesThat()
          .resideInAnyPackage("java..", ROOT + "error..");

  @ArchTest
  static final ArchRule packagesHaveNoCycles =
      slices().matching(ROOT + "(*)..").should().beFreeOfCycles();
}
