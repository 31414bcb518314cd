#!/usr/bin/env perl
# Give cancellation to the Swift code that uniffi writes: without it a cancelled task goes on waiting.
# What gives a value is cancelled; what gives none (leaving, closing) is carried out in any case.
#   cancel.pl FILE    change FILE, or fail where it is not as expected
use strict;
use warnings;

my ($file) = @ARGV;
open my $in, '<', $file or die "$file: $!\n";
my $text = do { local $/; <$in> };
close $in;

sub put {
    my ($old, $new, $expected) = @_;
    my $count = $text =~ s/\Q$old\E/$new/g;
    die "cancel.pl does not know this uniffi; found " . ($count || 0) . " times: $old\n"
        unless $expected ? $count == $expected : $count;
}

put 'fatalError("Cancellation not supported yet")', 'throw CancellationError()', 1;
put '    completeFunc: (UInt64,',
    "    cancelFunc: \@escaping \@Sendable (UInt64) -> () = { _ in },\n    completeFunc: (UInt64,", 1;
put "    var pollResult: Int8;\n",
    "    await withTaskCancellationHandler {\n    var pollResult: Int8;\n", 1;
put "    } while pollResult != UNIFFI_RUST_FUTURE_POLL_READY\n",
    "    } while pollResult != UNIFFI_RUST_FUTURE_POLL_READY\n"
    . "    } onCancel: {\n        cancelFunc(rustFuture)\n    }\n", 1;
my $future = 'ffi_roamio_rust_future_';
put "pollFunc: ${future}poll_rust_buffer,",
    "pollFunc: ${future}poll_rust_buffer,\n            cancelFunc: { ${future}cancel_rust_buffer(\$0) },";

open my $out, '>', $file or die "$file: $!\n";
print $out $text;
close $out or die "$file: $!\n";
