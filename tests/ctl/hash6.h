/* A whole hash of crypt(3), for tables that need one. */
#define HASH6 "$6$ab$jnZj29NS/hK2GaouP6AGMIBwD6owZFRejcn9QRdlwSj" \
	"ZaVr.fR9dH2TXrKL/PaacUXwtGfI.4O9zxvy2k6fbE1"
