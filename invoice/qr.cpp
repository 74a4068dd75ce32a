#include "invoice/qr.h"

#include <qrencode.h>

#include <memory>

namespace invoice {

namespace {

constexpr std::size_t kBytesMax = 2331;  // version 40, correction M
constexpr int kQuietModules = 4;

}  // namespace

base::Result<std::string> qr_svg(std::string_view text) {
  if (text.empty() || text.size() > kBytesMax)
    return base::error(base::ErrorCode::invalid_argument, "a QR code holds 1 to " + std::to_string(kBytesMax) +
                                                              " bytes, and not " + std::to_string(text.size()));
  const std::unique_ptr<QRcode, void (*)(QRcode*)> code(
      QRcode_encodeData(static_cast<int>(text.size()), reinterpret_cast<const unsigned char*>(text.data()), 0,
                        QR_ECLEVEL_M),
      QRcode_free);
  if (!code) return base::error(base::ErrorCode::invalid_argument, "the text cannot be written as a QR code");
  const int side = code->width + 2 * kQuietModules;
  const std::string size = std::to_string(side);
  std::string path;
  for (int y = 0; y < code->width; ++y) {
    for (int x = 0; x < code->width; ++x) {
      if ((code->data[y * code->width + x] & 1) == 0) continue;
      int run = 1;
      while (x + run < code->width && (code->data[y * code->width + x + run] & 1) != 0) ++run;
      path += "M" + std::to_string(x + kQuietModules) + " " + std::to_string(y + kQuietModules) + "h" +
              std::to_string(run) + "v1h-" + std::to_string(run) + "z";
      x += run;
    }
  }
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + size + " " + size + "\" width=\"" + size +
         "mm\" height=\"" + size + "mm\" shape-rendering=\"crispEdges\"><rect width=\"" + size + "\" height=\"" + size +
         "\" fill=\"#fff\"/><path fill=\"#000\" d=\"" + path + "\"/></svg>";
}

}  // namespace invoice
