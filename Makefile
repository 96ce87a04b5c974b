# SPDX-License-Identifier: GPL-2.0-or-later
#
# make            the weir command, BPF objects embedded      build/weir
# make tests      every test program                          build/tests/
# make install    DESTDIR= PREFIX=/usr/local
# make lint       format, static analysis, shell, layers
# make bench      ns per packet on this machine
# make bench-expr    of expressions, beside the same by hand
# make bench-lb      of the balancer, over one flow and over many
# make bench-latency of packets that are timed, of others, and of hooks in the stack
# make bench-iperf   throughput of TCP while round trips are measured
# make bench-apply   until services and changes of them are in force
# make bench-filter  of filters and sets of all sizes, beside nftables and xdp-filter
# make clean
#
# V=1 shows commands, WERROR=1 makes warnings errors (CI=true implies it),
# CLANG= LLVM_STRIP= BPFTOOL= choose the BPF tool chain.

VERSION := 0.1.0
PREFIX ?= /usr/local
B := build

CC ?= cc
CLANG ?= clang
# On Ubuntu the one in /usr/sbin is a wrapper that wants the tools of the running kernel.
BPFTOOL ?= $(firstword $(wildcard /usr/lib/linux-tools/*/bpftool /usr/sbin/bpftool) bpftool)
LLVM_STRIP ?= $(firstword $(shell command -v $(subst clang,llvm-strip,$(CLANG)) llvm-strip 2>/dev/null) llvm-strip)
PKG_CONFIG ?= pkg-config
SCDOC ?= scdoc

ifeq ($(CI),true)
WERROR ?= 1
endif
ifneq ($(V),1)
Q := @
say = @printf '  %-8s %s\n' $(1) $(2);
endif

LIBS := libbpf libxdp libelf libnl-3.0 libnl-route-3.0 jansson libpcap libpng
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef \
	-Wno-missing-field-initializers $(if $(filter 1,$(WERROR)),-Werror)
CFLAGS ?= -O2 -g
LIBS_CFLAGS := $(shell $(PKG_CONFIG) --cflags $(LIBS) 2>/dev/null)
LIBS_LDLIBS := $(shell $(PKG_CONFIG) --libs $(LIBS) 2>/dev/null) -lm -pthread -ldl
# The command loads libpcap by this name when it needs it; ctl/libpcap.h.
WEIR_LDLIBS := $(shell $(PKG_CONFIG) --libs $(filter-out libpcap,$(LIBS)) 2>/dev/null) -lm -pthread -ldl
LIBPCAP := $(or $(shell readelf -d "$$($(CC) -print-file-name=libpcap.so)" 2>/dev/null | sed -n 's/.*SONAME.*\[\(.*\)\]/\1/p'),libpcap.so.1)
ALL_CFLAGS := -std=gnu11 -D_GNU_SOURCE -DWEIR_VERSION='"$(VERSION)"' -DWEIR_LIBPCAP='"$(LIBPCAP)"' \
	-Iinclude -Ictl -I$B/bpf $(WARN) $(LIBS_CFLAGS) $(CFLAGS)
SAN := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

# The distribution keeps asm/ headers in a folder that the bpf target does not search.
MULTIARCH := $(shell $(CC) -print-multiarch 2>/dev/null)
BPF_CFLAGS := -target bpf -mcpu=v3 -O2 -g -Iinclude -Wall -Wextra -Wno-unused-function -Wno-unused-parameter \
	$(if $(filter 1,$(WERROR)),-Werror) -Wno-address-of-packed-member \
	$(if $(MULTIARCH),-idirafter /usr/include/$(MULTIARCH))

CTL := $(wildcard ctl/*.c)
LIB_OBJ := $(patsubst ctl/%.c,$B/ctl/%.o,$(filter-out ctl/main.c,$(CTL)))
SAN_OBJ := $(patsubst $B/ctl/%,$B/san/%,$(LIB_OBJ))
BPF := weir_xdp weir_tc weir_stack
SKEL := $(BPF:%=$B/bpf/%.skel.h)
UNIT := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*.c))
PROG := $(patsubst tests/prog/%.c,%,$(wildcard tests/prog/test_*.c))
PROG_LIB := $(patsubst tests/prog/%.c,$B/tests/prog/%.o,$(filter-out tests/prog/test_% %.bpf.c,$(wildcard tests/prog/*.c)))
TEST_SKEL := $(patsubst tests/prog/%.bpf.c,$B/bpf/%.skel.h,$(wildcard tests/prog/*.bpf.c))
TOOLS := $(patsubst tests/tools/%.c,%,$(wildcard tests/tools/*.c))
MAN := $(patsubst ctl/%.scd,$B/man/%,$(wildcard ctl/*.scd))

.DELETE_ON_ERROR:
.SECONDARY:
.PHONY: all tests man install lint bench bench-expr bench-lb bench-latency bench-filter bench-iperf bench-apply \
	clean

all: $B/weir man
man: $(if $(shell command -v $(SCDOC)),$(MAN))
tests: $(UNIT:%=$B/tests/unit/%) $(PROG:%=$B/tests/prog/%) $(TOOLS:%=$B/tests/tools/%)

# BPF: object, stripped of DWARF but not of BTF, skeleton with a number that tells builds apart
$B/bpf/%.bpf.o: xdp/%.bpf.c $B/flags-bpf
	@mkdir -p $(@D)
	$(call say,CLANG,$@) $(CLANG) $(BPF_CFLAGS) -Ixdp -MMD -MP -c $< -o $@ && $(LLVM_STRIP) -g $@
$B/bpf/%.bpf.o: tc/%.bpf.c $B/flags-bpf
	@mkdir -p $(@D)
	$(call say,CLANG,$@) $(CLANG) $(BPF_CFLAGS) -Itc -MMD -MP -c $< -o $@ && $(LLVM_STRIP) -g $@
$B/bpf/%.bpf.o: tests/prog/%.bpf.c $B/flags-bpf
	@mkdir -p $(@D)
	$(call say,CLANG,$@) $(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@ && $(LLVM_STRIP) -g $@
$B/bpf/%.bpf.o: tests/bench/%.bpf.c $B/flags-bpf
	@mkdir -p $(@D)
	$(call say,CLANG,$@) $(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@ && $(LLVM_STRIP) -g $@
$B/bpf/%.bpf.o: tests/prog/%.bpf.c $B/flags-bpf
	@mkdir -p $(@D)
	$(call say,CLANG,$@) $(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@ && $(LLVM_STRIP) -g $@
$B/bpf/%.skel.h: $B/bpf/%.bpf.o Makefile
	$(call say,SKEL,$@) $(BPFTOOL) gen skeleton $< name $* > $@ && \
		echo "#define $*__build 0x$$(sha256sum < $< | cut -c 1-16)ULL" >> $@

# Of the sources, those that embed programs; the others need not wait for clang.
EMBED := $(patsubst ctl/%.c,%.o,$(shell grep -l '[.]skel[.]h"' ctl/*.c))
$(EMBED:%=$B/ctl/%) $(EMBED:%=$B/san/%): | $(SKEL)

# The command
$B/ctl/%.o: ctl/%.c $B/flags
	@mkdir -p $(@D)
	$(call say,CC,$@) $(CC) $(ALL_CFLAGS) -MMD -MP -c $< -o $@
$B/libweir.a: $(LIB_OBJ)
	$(call say,AR,$@) rm -f $@ && $(AR) rcs $@ $^
$B/weir: $B/ctl/main.o $B/libweir.a
	$(call say,LD,$@) $(CC) $(CFLAGS) $(LDFLAGS) $^ $(WEIR_LDLIBS) -o $@
$B/man/%: ctl/%.scd
	@mkdir -p $(@D)
	$(call say,SCDOC,$@) $(SCDOC) < $< > $@

# Tests; unit tests run under ASan and UBSan
$B/san/%.o: ctl/%.c $B/flags
	@mkdir -p $(@D)
	$(call say,CC-SAN,$@) $(CC) $(ALL_CFLAGS) $(SAN) -MMD -MP -c $< -o $@
$B/san/libweir.a: $(SAN_OBJ)
	$(call say,AR,$@) rm -f $@ && $(AR) rcs $@ $^
CLASSIFIER_WITH := $(addprefix tests/prog/,generate.c near.c packet.c reference_filter.c reference_parse.c \
	ruleset.c ruleset_values.c)
$B/tests/unit/classifier: tests/unit/classifier.c $(CLASSIFIER_WITH) $B/san/libweir.a $B/flags
	@mkdir -p $(@D)
	$(call say,CC-SAN,$@) $(CC) $(ALL_CFLAGS) $(SAN) -MMD -MP $< $(CLASSIFIER_WITH) $B/san/libweir.a -lcmocka -lm \
		$(LIBS_LDLIBS) -o $@
$B/tests/unit/%: tests/unit/%.c $B/san/libweir.a $B/flags
	@mkdir -p $(@D)
	$(call say,CC-SAN,$@) $(CC) $(ALL_CFLAGS) $(SAN) -MMD -MP $< $B/san/libweir.a -lcmocka -lm $(LIBS_LDLIBS) -o $@
$B/tests/prog/%.o: tests/prog/%.c $B/flags | $(SKEL) $(TEST_SKEL)
	@mkdir -p $(@D)
	$(call say,CC,$@) $(CC) $(ALL_CFLAGS) -Itests/prog -MMD -MP -c $< -o $@
$B/tests/prog/test_expr.o: $B/bpf/expr_xdp.skel.h $B/bpf/expr_tc.skel.h
$B/tests/prog/%: $B/tests/prog/%.o $(PROG_LIB) $B/libweir.a
	$(call say,LD,$@) $(CC) $(CFLAGS) $^ -lcmocka $(LIBS_LDLIBS) -o $@
$B/tests/tools/%: tests/tools/%.c $B/flags
	@mkdir -p $(@D)
	$(call say,CC,$@) $(CC) $(ALL_CFLAGS) -MMD -MP $< -o $@

# Rebuild when flags change, and only then
flags_of = $(file >$(1).new,$(2))$(shell cmp -s $(1) $(1).new && rm -f $(1).new || mv -f $(1).new $(1))
ifneq ($(MAKECMDGOALS),clean)
$(shell mkdir -p $B)
$(call flags_of,$B/flags,$(CC) $(ALL_CFLAGS) $(LIBS_LDLIBS) $(SAN))
$(call flags_of,$B/flags-bpf,$(CLANG) $(BPF_CFLAGS))
endif
$B/flags $B/flags-bpf: ;

install: all
	install -D -m 755 $B/weir $(DESTDIR)$(PREFIX)/sbin/weir
	$(foreach m,$(wildcard $(MAN)),install -D -m 644 $m $(DESTDIR)$(PREFIX)/share/man/man$(patsubst .%,%,$(suffix $m))/$(notdir $m) || exit 1;)
	install -D -m 644 ctl/weir.bash-completion $(DESTDIR)$(PREFIX)/share/bash-completion/completions/weir
	install -D -m 644 ctl/weir.zsh-completion $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_weir
	install -d $(DESTDIR)$(PREFIX)/share/doc/weir/examples
	install -m 644 ctl/examples/*.conf $(DESTDIR)$(PREFIX)/share/doc/weir/examples

lint:
	$Qscripts/lint

FILTER_BENCH := $(patsubst tests/bench/%.c,$B/tests/bench/%.o,$(filter-out %/bench.c %/bench_expr.c %/lb_bench.c %/latency_bench.c %/hook_bench.c %.bpf.c,$(wildcard tests/bench/*.c)))

bench: $B/tests/bench/bench
	$Q$<
bench-expr: $B/tests/bench/bench_expr
	$Q$<
bench-lb: $B/tests/bench/lb_bench
	$Q$<
bench-latency: $B/tests/bench/latency_bench $B/tests/bench/hook_bench $B/weir
	$Q$<
	$Qtests/bench/hook.sh
# ARGS: of its cases, one, pool, 100k, million
bench-apply: $B/weir
	$Qtests/bench/apply.sh $(ARGS)
# ARGS: globs of its cases, or --rules MOST
bench-filter: $B/tests/bench/filter_bench $B/weir
	$Q$< $(ARGS)
bench-iperf: $B/weir
	$Qtests/bench/iperf.sh
$B/tests/bench/bench_expr.o: $B/bpf/bench_expr.skel.h
$B/tests/bench/hook_bench.o: $B/bpf/hook.skel.h
$B/tests/bench/%.o: tests/bench/%.c $B/flags | $(SKEL) $B/bpf/bench.skel.h $B/bpf/converse.skel.h $B/bpf/vary.skel.h \
	$B/bpf/kernel_hash.skel.h
	@mkdir -p $(@D)
	$(call say,CC,$@) $(CC) $(ALL_CFLAGS) -Itests/prog -MMD -MP -c $< -o $@
$B/tests/bench/%: $B/tests/bench/%.o $(PROG_LIB) $B/libweir.a
	$(call say,LD,$@) $(CC) $(CFLAGS) $^ -lcmocka $(LIBS_LDLIBS) -o $@
$B/tests/bench/filter_bench: $(FILTER_BENCH) $(PROG_LIB) $B/libweir.a
	$(call say,LD,$@) $(CC) $(CFLAGS) $^ -lcmocka $(LIBS_LDLIBS) -o $@

clean:
	rm -rf $B

-include $(wildcard $B/*/*.d $B/tests/*/*.d)
