#pragma once

// Files of the spool, durably. Private to settlers/bank. Every Error names the path.

#include <set>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"

namespace settlers::bank {

// Where a name becomes another with an ending or a leading dot, it must still be one: the first part of it and a hash.
std::string shortened_name(const std::string& name);
// The names of all that is in a directory, or why they cannot be read: then nothing is known to be absent.
base::Result<std::set<std::string>> names_in(const std::string& directory);
base::Result<void> make_directory(const std::string& path);
// Under another name first, then renamed: after it returns the file is there as a whole, and after a crash it is there
// as a whole or not at all.
base::Result<void> write_file(const std::string& directory, const std::string& name, std::string_view bytes);
// At most limits::kBankFileBytesMax bytes.
base::Result<std::string> read_file(const std::string& path);
base::Result<void> move_file(const std::string& from_directory, const std::string& to_directory,
                             const std::string& name, const std::string& new_name);
base::Result<void> append_synced(int fd, base::ByteView bytes, const std::string& path);
tl::unexpected<base::Error> io_error(const std::string& what, const std::string& path);

}  // namespace settlers::bank
