package io.roamio.android

import java.io.File
import java.util.zip.ZipFile
import java.util.zip.ZipInputStream
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

/** What `aar.sh` lays out. */
class AarTest {
    @get:Rule
    val folder = TemporaryFolder()

    @Test
    fun `an AAR has the classes, the rules and a library for each ABI`() {
        val project = File("..").canonicalFile
        val aar = File(folder.root, "out/roamio.aar")
        val abis = listOf("arm64-v8a", "x86_64").map { abi ->
            val library = folder.newFile("$abi.so").apply { writeText(abi) }
            "$abi=$library"
        }
        val command = listOf("$project/aar.sh", "$project", "$aar") + abis
        assertEquals(0, ProcessBuilder(command).inheritIO().start().waitFor())
        ZipFile(aar).use { zip ->
            val files = zip.entries().asSequence().filterNot { it.isDirectory }.map { it.name }.toSet()
            val libraries = listOf("jni/arm64-v8a/libroamio.so", "jni/x86_64/libroamio.so")
            assertEquals(setOf("AndroidManifest.xml", "R.txt", "classes.jar", "proguard.txt") + libraries, files)
            assertEquals("x86_64", zip.read("jni/x86_64/libroamio.so").decodeToString())
            val classes = ZipInputStream(zip.read("classes.jar").inputStream()).use { jar ->
                generateSequence { jar.nextEntry }.map { it.name }.toSet()
            }
            assertTrue("io/roamio/Conference.class" in classes)
            assertTrue("io/roamio/android/NetworkHints.class" in classes)
            assertFalse(classes.any { it.endsWith(".so") })
        }
    }

    private fun ZipFile.read(name: String): ByteArray = getInputStream(getEntry(name)).use { it.readBytes() }
}
