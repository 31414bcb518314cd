# The two commands of the README are `make demo` and `make test`.

CARGO ?= cargo
CC ?= cc
CXX ?= c++
PREFIX ?= /usr/local
TARGET := $(or $(CARGO_TARGET_DIR),target)
DEMO := $(TARGET)/demo
PORTAL := $(TARGET)/release/roamio-portal
TIMELINE := $(TARGET)/release/examples/timeline
LINK := -L$(TARGET)/release -lroamio -lpthread -Wl,-rpath,$(abspath $(TARGET)/release)

WATCH := $(abspath $(TARGET))/watch
BRIDGE := $(TARGET)/bridge
FEATURES := bindgen
BINDINGS := $(TARGET)/bindings
PYTHON := $(TARGET)/python
SWIFT := $(TARGET)/swift
KOTLIN := $(TARGET)/kotlin
RUSTLS := $(TARGET)/rustls
RUSTLS_TEST = $(CARGO) test --target-dir $(RUSTLS) --no-default-features --features tls-rustls
# Who does TLS in the library that programs link: native, or rustls for one without OpenSSL.
TLS := native
LIBRARY := --lib $(if $(filter rustls,$(TLS)),--no-default-features --features tls-rustls)
# The portal that tests of the bindings start, unless it is there already.
BUILD_PORTAL := $(CARGO) build --package roamio-portal
SHARED := $(if $(filter Darwin,$(shell uname -s)),dylib,so)

.PHONY: demo demo-c demo-cpp demo-rust demo-python demo-swift demo-kotlin demo-tools roam
.PHONY: lib install bindings python wheel swift swift-scenario kotlin jar
.PHONY: test test-build test-python test-rustls test-swift test-kotlin cross lint header coverage bench clean

# Log in to a portal, lose the network in several ways, be back with nothing lost. One program in
# several languages: each plays the same scenes and ends with the same totals.
demo: demo-c

demo-c: $(DEMO)/survive.o $(DEMO)/portal.o $(DEMO)/report.o | demo-tools
	$(CC) -o $(DEMO)/survive-c $^ $(LINK)
	examples/c/demo.sh $(PORTAL) $(DEMO)/survive-c $(TIMELINE) $(DEMO)

demo-cpp: $(DEMO)/survive-cpp.o $(DEMO)/portal.o $(DEMO)/report.o | demo-tools
	$(CXX) -o $(DEMO)/survive-cpp $^ $(LINK)
	examples/c/demo.sh $(PORTAL) $(DEMO)/survive-cpp $(TIMELINE) $(DEMO)

demo-rust:
	.ci/prepare demo
	$(CARGO) run --release --example survive

demo-tools:
	.ci/prepare demo
	$(CARGO) build --release --package roamio-portal
	$(MAKE) $(TIMELINE) lib

$(DEMO)/%.o: examples/c/%.c $(wildcard examples/c/*.h include/*.h) | demo-tools
	mkdir -p $(DEMO)
	$(CC) -std=c11 -O2 -Wall -Wextra -Werror -Iinclude -c -o $@ $<

$(DEMO)/survive-cpp.o: examples/cpp/survive.cpp $(wildcard include/*.h* include/roamio/*) | demo-tools
	mkdir -p $(DEMO)
	$(CXX) -std=c++17 -O2 -Wall -Wextra -Werror -Iinclude -c -o $@ $<

# The same in Python.
demo-python: python
	.ci/prepare demo
	$(CARGO) build --release --package roamio-portal
	$(MAKE) $(TIMELINE)
	mkdir -p $(DEMO)
	PYTHONPATH=$(PYTHON)/package/src examples/c/demo.sh \
	    $(PORTAL) examples/python/survive.py $(TIMELINE) $(DEMO)

# The same in Swift, with a compiler of its own on Debian (550 MB).
demo-swift: swift
	$(CARGO) build --release --package roamio-portal
	$(MAKE) $(TIMELINE)
	bindings/swift/toolchain install
	mkdir -p $(DEMO)
	FOLDER=$(SWIFT) examples/c/demo.sh $(PORTAL) examples/swift/survive.sh $(TIMELINE) $(DEMO)

# The same in Kotlin.
demo-kotlin: kotlin
	.ci/prepare kotlin
	$(CARGO) build --release --package roamio-portal
	$(MAKE) $(TIMELINE)
	bindings/kotlin/maven run $(KOTLIN)/roamio process-classes
	mkdir -p $(DEMO)
	PROJECT=$(KOTLIN)/roamio examples/c/demo.sh \
	    $(PORTAL) examples/kotlin/survive.sh $(TIMELINE) $(DEMO)

# By its date, because Cargo would build the library in turns for this and for `lib`.
$(TIMELINE): $(wildcard examples/timeline/*.rs)
	$(CARGO) build --release --example timeline

# The command line client: $(TARGET)/release/roam.
roam:
	.ci/prepare demo
	$(CARGO) build --release --package roam

# The shared library alone: $(TARGET)/release/libroamio.so, and the name that programs look for.
lib:
	$(CARGO) rustc --release $(LIBRARY) --crate-type cdylib
	ln -sf libroamio.so $(TARGET)/release/libroamio.so.0

# The library with the bridge, and how Kotlin, Python and Swift call it: $(BINDINGS). Built in a folder
# of its own, because the library without the bridge has the same name.
bindings:
	$(CARGO) build --target-dir $(BRIDGE) --lib --bins --features $(FEATURES)
	for language in kotlin python swift; do \
	    $(BRIDGE)/debug/roamio-bindgen generate $(BRIDGE)/debug/libroamio.$(SHARED) \
	        --language $$language --out-dir $(BINDINGS)/$$language --no-format || exit 1; \
	done

# The Python package, put together in $(PYTHON)/package.
python: bindings
	bindings/python/stage.sh $(BRIDGE)/debug/libroamio.$(SHARED) $(BINDINGS)/python/roamio.py \
	    $(PYTHON)/package

# The wheel with the library inside: $(PYTHON)/wheel.
wheel: bindings
	$(CARGO) rustc --release --target-dir $(BRIDGE) --lib --crate-type cdylib --features bridge
	bindings/python/stage.sh $(BRIDGE)/release/libroamio.$(SHARED) $(BINDINGS)/python/roamio.py \
	    $(PYTHON)/release
	python3 -m pip wheel -q --no-deps --wheel-dir $(PYTHON)/wheel $(PYTHON)/release

# The Swift package, put together in $(SWIFT)/roamio.
swift: bindings
	bindings/swift/stage.sh $(BRIDGE)/debug/libroamio.$(SHARED) $(BINDINGS)/swift $(SWIFT)/roamio

# The program that plays scenarios in Swift, where Swift can be had; the test that runs it tells.
swift-scenario: swift
	if bindings/swift/toolchain install; then FOLDER=$(SWIFT) examples/swift/build.sh scenario; fi

# The Kotlin package, put together in $(KOTLIN)/roamio.
kotlin: bindings
	bindings/kotlin/stage.sh $(BRIDGE)/debug/libroamio.$(SHARED) \
	    $(BINDINGS)/kotlin/io/roamio/roamio.kt $(KOTLIN)/roamio

# The jar with the library inside: $(KOTLIN)/release/roamio/target.
jar: bindings
	.ci/prepare kotlin
	$(CARGO) rustc --release --target-dir $(BRIDGE) --lib --crate-type cdylib --features bridge
	bindings/kotlin/stage.sh $(BRIDGE)/release/libroamio.$(SHARED) \
	    $(BINDINGS)/kotlin/io/roamio/roamio.kt $(KOTLIN)/release
	bindings/kotlin/maven run $(KOTLIN)/release package -pl roamio -DskipTests

# Headers, both libraries, pkg-config and CMake files: make install PREFIX=/usr DESTDIR=stage
install:
	.ci/prepare demo
	$(CARGO) rustc --release $(LIBRARY) --crate-type cdylib,staticlib
	PREFIX=$(PREFIX) LIBDIR=$(LIBDIR) DESTDIR=$(DESTDIR) packaging/install $(TARGET)/release

# Every test of the project, with the real portal, in C and Rust.
test:
	.ci/prepare test
	.ci/skip begin
	rm -rf $(WATCH)
	mkdir -p $(WATCH)
	$(MAKE) -j2 test-build bindings FEATURES=bindgen,watch
	$(MAKE) swift-scenario test-python test-kotlin FEATURES=bindgen,watch BUILD_PORTAL=:
	$(CARGO) test --workspace --features watch
	$(MAKE) test-rustls test-swift FEATURES=bindgen,watch BUILD_PORTAL=:
	$(CARGO) test --workspace --features watch --test secrets -- --ignored --nocapture
	.ci/skip end

# Where the tests keep what the library logs and traces, and the secrets that must not be in it.
test: export ROAMIO_WATCH := $(WATCH)
test: export ROAMIO_PORTAL_ISSUED := $(WATCH)/issued.txt
# Most tests wait for a server.
test: export RUST_TEST_THREADS := 6

# The Rust tests, built and not run.
test-build:
	$(CARGO) test --workspace --features watch --no-run

# What depends on the TLS library, with rustls in place of the platform's; and the bridge.
test-rustls:
	$(RUSTLS_TEST),watch --test tls --test install --test symbols
	$(RUSTLS_TEST),watch,bridge --lib -- driver:: bridge::
	$(RUSTLS_TEST),watch,bridge --test symbols

# The Python package: its types, and its tests.
test-python: python
	$(BUILD_PORTAL)
	bindings/python/test.sh $(PYTHON)/package $(TARGET)/debug/roamio-portal

# The Swift package, with the server that the Python tests install.
test-swift: swift
	$(BUILD_PORTAL)
	bindings/swift/test.sh $(SWIFT)/roamio $(TARGET)/debug/roamio-portal $(PYTHON)/venv/bin/python

# The Kotlin package, with the server that the Python tests install.
test-kotlin: kotlin
	$(BUILD_PORTAL)
	bindings/kotlin/test.sh $(KOTLIN)/roamio $(TARGET)/debug/roamio-portal $(PYTHON)/venv/bin/python

# Other systems, as far as this one can tell: checked for iOS and Android, built and run for arm64 and
# Windows. One of them: .ci/cross arm64
cross:
	.ci/cross

# What a change must satisfy beside its tests.
lint:
	.ci/prepare lint
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	$(CARGO) clippy --lib --features bridge -- -D warnings
	$(CARGO) clippy --lib --no-default-features --features tls-rustls -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --document-private-items

# Write include/roamio.h anew from src/capi.
header:
	ROAMIO_WRITE_HEADER=1 $(CARGO) test --test header

# Write the tables of what is tested anew from the tests.
coverage:
	ROAMIO_WRITE_COVERAGE=1 $(CARGO) test --test conformance the_coverage_table
	ROAMIO_WRITE_COVERAGE=1 $(CARGO) test --test coverage the_table

# Nanoseconds, allocations and copies per message.
bench:
	.ci/prepare demo
	$(CARGO) bench

clean:
	$(CARGO) clean
