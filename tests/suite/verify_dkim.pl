# Verifies the messages that are named with Mail::DKIM, which knows RSA alone:
# verify_dkim.pl KEYS FILE...; KEYS has a line for each record, its name and its
# text. Says for each file, in a line, what becomes of its signatures by RSA.
use strict;
use warnings;
use Mail::DKIM::Verifier;

my %record;
open(my $k, '<', shift) or die;
while (<$k>) { chomp; my ($name, $text) = split / /, $_, 2; $record{$name} = $text; }

package Answer { sub type { 'TXT' } sub char_str_list { @{$_[0]} }
    sub txtdata { join '', @{$_[0]} } }

no warnings 'redefine';
*Mail::DKIM::DNS::query = sub {
	my ($name) = @_;
	return unless defined $record{$name};
	return bless [$record{$name}], 'Answer';
};
for my $file (@ARGV) {
	open(my $f, '<:raw', $file) or die;
	local $/;
	my $v = Mail::DKIM::Verifier->new;
	$v->PRINT(scalar <$f>);
	$v->CLOSE;
	my @said = map { $_->algorithm =~ /^rsa/ ? $_->result : () } $v->signatures;
	print "@said\n";
}
