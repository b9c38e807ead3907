/* SPDX-License-Identifier: MIT OR Apache-2.0 */
#include "proto/columns.h"

#include "proto/block.h"

const struct ayp_codec ayp_codec_columns = {
	.id = AYP_CODEC_COLUMNS,
	.name = "columns",
	.encoder_size = columns_encoder_size,
	.encoder_init = columns_encoder_init,
	.encode = columns_encode,
	.decoder_size = columns_decoder_size,
	.decoder_init = columns_decoder_init,
	.decode = columns_decode,
};
