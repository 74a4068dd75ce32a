#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace invoice {

// A QR code (ISO/IEC 18004, error correction M) as an SVG image with its quiet zone. invalid_argument: empty, or too
// long (2,331 bytes at most).
base::Result<std::string> qr_svg(std::string_view text);

}  // namespace invoice
