// The real tabd in a temporary folder: start, probes, stop, and what it refuses.

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "tests/system/harness.h"

namespace {

using system_test::http_get;
using system_test::Tabd;
using system_test::tabd_binary;
using system_test::TempFolder;

constexpr const char* kOneAsset = "[[asset]]\nid = 1\ntext = \"USD\"\nsymbol = \"USD\"\n";
constexpr const char* kOnePlan =
    "[[plan]]\nlabel = \"daily\"\nasset = \"USD\"\ncredit_limit = \"50\"\nrails = [\"sandbox\"]\n";
constexpr const char* kSandbox = "[rails.sandbox]\nenabled = true\n";

std::string catalogue() { return std::string(kOneAsset) + kOnePlan + kSandbox; }

TEST(SystemDaemon, WebPageIsThereWhenAskedFor) {
  const TempFolder folder;
  Tabd tabd(folder, catalogue());
  ASSERT_NO_FATAL_FAILURE(tabd.start_ready());
  EXPECT_EQ(http_get(tabd.http_port(), "/page/").status, 404);
  EXPECT_EQ(http_get(tabd.http_port(), "/page/live").status, 404);
  EXPECT_EQ(tabd.stop(), 0);
  std::string text = system_test::read_file(tabd.config_file());
  text.replace(text.find("[http]\n"), 7, "[http]\npage = true\n");
  folder.write("tabd.toml", text);
  ASSERT_NO_FATAL_FAILURE(tabd.start_ready());
  const std::uint16_t port = tabd.http_port();
  EXPECT_NE(http_get(port, "/page/").body.find("<!doctype html>"), std::string::npos);
  EXPECT_NE(http_get(port, "/page/live").body.find("\"ready\":true"), std::string::npos);
  EXPECT_EQ(http_get(port, "/page/payers").body, "{\"items\":[],\"next\":null}\n");
  EXPECT_EQ(http_get(port, "/page/payers?limit=0").status, 400);
  EXPECT_EQ(http_get(port, "/readyz").status, 200);
  EXPECT_NE(tabd.log().find("/page/"), std::string::npos) << tabd.log();
  EXPECT_EQ(tabd.log().find("has no login"), std::string::npos) << tabd.log();
  EXPECT_EQ(tabd.stop(), 0);
}

TEST(SystemDaemon, StartsAnswersProbesAndStops) {
  const TempFolder folder;
  Tabd tabd(folder, catalogue());
  ASSERT_NO_FATAL_FAILURE(tabd.start_ready());
  const std::uint16_t port = tabd.http_port();
  EXPECT_EQ(http_get(port, "/healthz").status, 200);
  EXPECT_EQ(http_get(port, "/readyz").body, "{\"ready\":true}\n");
  EXPECT_EQ(http_get(port, "/nothing").status, 404);
  struct stat socket {};
  ASSERT_EQ(::stat(tabd.socket().c_str(), &socket), 0);
  EXPECT_EQ(socket.st_mode & 07777, 0600u);
  EXPECT_EQ(tabd.stop(), 0) << tabd.log();
  EXPECT_NE(tabd.log().find("stopped; everything acknowledged is on disk"), std::string::npos) << tabd.log();
}

TEST(SystemDaemon, ConfiguresAssetsAndPlansOnce) {
  const TempFolder folder;
  Tabd tabd(folder, catalogue());
  ASSERT_NO_FATAL_FAILURE(tabd.start_ready());
  EXPECT_EQ(tabd.stop(), 0);
  EXPECT_NE(tabd.log().find("configured what=\"[[asset]] USD\""), std::string::npos) << tabd.log();
  EXPECT_NE(tabd.log().find("configured what=\"[[plan]] daily\""), std::string::npos) << tabd.log();
  ASSERT_NO_FATAL_FAILURE(tabd.start_ready());
  EXPECT_EQ(tabd.stop(), 0);
  EXPECT_EQ(tabd.log().find("configured"), std::string::npos) << tabd.log();
}

TEST(SystemDaemon, ChangedAssetIsRefusedByName) {
  const TempFolder folder;
  Tabd tabd(folder, kOneAsset);
  ASSERT_NO_FATAL_FAILURE(tabd.start_ready());
  EXPECT_EQ(tabd.stop(), 0);
  Tabd changed(folder, std::string(kOneAsset) + "scale = 2\n");
  changed.start();
  EXPECT_EQ(changed.process().wait(), 2);
  EXPECT_NE(changed.log().find("[[asset]] USD was refused by the ledger"), std::string::npos) << changed.log();
}

TEST(SystemDaemon, AnotherNetworkIsRefused) {
  const TempFolder folder;
  Tabd tabd(folder);
  ASSERT_NO_FATAL_FAILURE(tabd.start_ready());
  EXPECT_EQ(tabd.stop(), 0);
  std::string text = system_test::read_file(tabd.config_file());
  text.replace(text.find("test:tab"), 8, "othr:tab");
  folder.write("tabd.toml", text);
  tabd.start();
  EXPECT_EQ(tabd.process().wait(), 2);
  EXPECT_NE(tabd.log().find("test:tab"), std::string::npos) << tabd.log();
}

TEST(SystemDaemon, SecondInstanceIsRefused) {
  const TempFolder folder;
  Tabd tabd(folder);
  ASSERT_NO_FATAL_FAILURE(tabd.start_ready());
  const TempFolder other;
  Tabd second(other, "", "");
  std::string text = system_test::read_file(second.config_file());
  text.replace(text.find("\"data\""), 6, "\"" + tabd.data() + "\"");
  other.write("tabd.toml", text);
  second.start();
  EXPECT_EQ(second.process().wait(), 3);
  EXPECT_NE(second.log().find("another process has this ledger open"), std::string::npos) << second.log();
  EXPECT_EQ(http_get(tabd.http_port(), "/readyz").status, 200);
  EXPECT_EQ(tabd.stop(), 0);
}

TEST(SystemDaemon, DamagedLedgerIsRefused) {
  const TempFolder folder;
  Tabd tabd(folder, catalogue());
  ASSERT_NO_FATAL_FAILURE(tabd.start_ready());
  EXPECT_EQ(tabd.stop(), 0);
  // One byte of every data file: whichever holds the rows is among them.
  int damaged = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(tabd.data())) {
    if (entry.path().extension() != ".sst") continue;
    std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(20);
    const int byte = file.get();
    file.seekp(20);
    file.put(static_cast<char>(byte ^ 0x40));
    ++damaged;
  }
  ASSERT_GT(damaged, 0);
  tabd.start();
  EXPECT_EQ(tabd.process().wait(), 4) << tabd.log();
  EXPECT_NE(tabd.log().find("stored bytes are damaged"), std::string::npos) << tabd.log();
  EXPECT_NE(tabd.log().find("tabctl restore"), std::string::npos) << tabd.log();
}

TEST(SystemDaemon, KeyThatOthersCanReadIsRefused) {
  const TempFolder folder;
  Tabd tabd(folder);
  ASSERT_EQ(::chmod(tabd.operator_key_file().c_str(), 0644), 0);
  tabd.start();
  EXPECT_EQ(tabd.process().wait(), 1);
  EXPECT_NE(tabd.log().find("chmod 0400 " + tabd.operator_key_file()), std::string::npos) << tabd.log();
}

TEST(SystemDaemon, AddressInUseIsNamed) {
  const TempFolder folder, other;
  Tabd tabd(folder);
  ASSERT_NO_FATAL_FAILURE(tabd.start_ready());
  Tabd second(other);
  std::string text = system_test::read_file(second.config_file());
  const std::string address = "127.0.0.1:" + std::to_string(tabd.http_port());
  text.replace(text.find("127.0.0.1:0"), 11, address);
  other.write("tabd.toml", text);
  second.start();
  EXPECT_EQ(second.process().wait(), 1);
  EXPECT_NE(second.log().find("cannot listen on " + address), std::string::npos) << second.log();
  EXPECT_EQ(tabd.stop(), 0);
}

TEST(SystemDaemon, InterruptStopsToo) {
  const TempFolder folder;
  Tabd tabd(folder);
  ASSERT_NO_FATAL_FAILURE(tabd.start_ready());
  tabd.process().signal(SIGINT);
  EXPECT_EQ(tabd.process().wait(), 0) << tabd.log();
}

// The service manager's side of sd_notify(3).
TEST(SystemDaemon, HangupReadsTheApiKeysAgain) {
  const TempFolder folder;
  const std::uint16_t port = system_test::free_port();
  const std::string server_key = folder.write("front.key", "0x" + std::string(63, '0') + "7\n", 0400);
  // SHA-256 of "first" and of "second".
  const std::string first = "0xa7937b64b8caa58f03721bb6bacf5c78cb235febe0e70b1b84cd99541461a08e";
  const std::string second = "0x16367aacb67a4a017c8da8ab95682ccb390863780f7114dda0a0e0c55644c7c4";
  const std::string x402 = "[x402]\nlisten = \"127.0.0.1:" + std::to_string(port) + "\"\nserver_key_file = \"" +
                           server_key + "\"\n[[x402.api_key]]\nname = \"shop\"\naddresses = [\"0x" +
                           std::string(39, '0') + "1\"]\nsha256 = \"";
  Tabd tabd(folder, catalogue() + x402 + first + "\"\n");
  ASSERT_NO_FATAL_FAILURE(tabd.start_ready());
  system_test::KeptConnection kept(port);
  const auto status = [&](const std::string& key) {
    return kept.get("/v1/charges", "Authorization: Bearer " + key + "\r\n");
  };
  EXPECT_EQ(status("first"), 200);
  EXPECT_EQ(status("second"), 401);
  const std::string text = system_test::read_file(tabd.config_file());
  const auto reload = [&](const std::string& changed, const std::string& said) {
    const std::size_t before = tabd.log().size();
    folder.write("tabd.toml", changed);
    tabd.process().signal(SIGHUP);
    return system_test::eventually([&] { return tabd.log().find(said, before) != std::string::npos; });
  };
  std::string rotated = text;
  rotated.replace(rotated.find(first), first.size(), second);
  ASSERT_TRUE(reload(rotated, "API keys read again")) << tabd.log();
  EXPECT_EQ(tabd.log().find("takes effect at a restart"), std::string::npos) << tabd.log();
  EXPECT_EQ(status("second"), 200) << "on the connection that is open";
  EXPECT_EQ(status("first"), 401);
  // Mistakes change nothing; other keys wait for a restart, and that is said.
  ASSERT_TRUE(reload(rotated + "nonsense = 1\n", "everything stays as it was")) << tabd.log();
  EXPECT_EQ(status("second"), 200);
  ASSERT_TRUE(reload(text + "[log]\nlevel = \"debug\"\n", "takes effect at a restart")) << tabd.log();
  EXPECT_EQ(status("first"), 200);
  EXPECT_EQ(tabd.stop(), 0) << tabd.log();
}

TEST(SystemDaemon, TellsTheServiceManager) {
  const TempFolder folder;
  const std::string path = folder.path() + "/notify";
  const int receiver = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, path.c_str(), sizeof(address.sun_path) - 1);
  ASSERT_EQ(::bind(receiver, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
  const auto next = [receiver] {
    std::array<char, 256> buffer{};
    ssize_t count = -1;
    system_test::eventually([&] {
      count = ::recv(receiver, buffer.data(), buffer.size(), MSG_DONTWAIT);
      return count >= 0;
    });
    return std::string(buffer.data(), count > 0 ? static_cast<std::size_t>(count) : 0);
  };
  Tabd tabd(folder);
  tabd.start({{"NOTIFY_SOCKET", path}});
  EXPECT_EQ(next().rfind("READY=1", 0), 0u) << tabd.log();
  EXPECT_EQ(http_get(tabd.http_port(), "/readyz").status, 200);
  EXPECT_EQ(tabd.stop(), 0);
  EXPECT_EQ(next(), "STOPPING=1");
  ::close(receiver);
}

TEST(SystemDaemon, NothingSecretIsSaid) {
  const TempFolder folder;
  Tabd tabd(folder, catalogue() + "[log]\nlevel = \"debug\"\n");
  ASSERT_NO_FATAL_FAILURE(tabd.start_ready());
  const std::string key = system_test::read_file(tabd.operator_key_file()).substr(2, 64);
  EXPECT_EQ(http_get(tabd.http_port(), "/metrics").body.find(key), std::string::npos);
  EXPECT_EQ(tabd.stop(), 0);
  EXPECT_EQ(tabd.log().find(key), std::string::npos);
  EXPECT_NE(tabd.log().find("operator=0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266"), std::string::npos) << tabd.log();
}

TEST(SystemDaemon, JsonLogIsOneObjectALine) {
  const TempFolder folder;
  Tabd tabd(folder, "[log]\nformat = \"json\"\n");
  tabd.start();
  ASSERT_TRUE(system_test::eventually([&] { return tabd.log().find("\"message\":\"ready\"") != std::string::npos; }))
      << tabd.log();
  EXPECT_EQ(tabd.stop(), 0);
  std::istringstream lines(tabd.log());
  for (std::string line; std::getline(lines, line);)
    EXPECT_TRUE(std::regex_match(line, std::regex(R"(\{"time":"[^"]+Z","level":"[a-z]+","message":".*\})"))) << line;
}

TEST(SystemDaemon, InitMakesAFolderThatRuns) {
  const TempFolder folder;
  const std::string tab = folder.path() + "/tab";
  const auto made = system_test::run({tabd_binary(), "--init", tab, "--network", "mine:tab"});
  ASSERT_EQ(made.exit_code, 0) << made.output;
  EXPECT_NE(made.output.find("tabd --config " + tab + "/tabd.toml"), std::string::npos) << made.output;
  const auto checked = system_test::run({tabd_binary(), "--check-config", tab + "/tabd.toml"});
  EXPECT_EQ(checked.exit_code, 0) << checked.output;
  EXPECT_NE(checked.output.find("good; network mine:tab, 1 assets, 1 plans"), std::string::npos) << checked.output;
  const auto again = system_test::run({tabd_binary(), "--init", tab});
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_NE(again.output.find("File exists"), std::string::npos) << again.output;
  const auto wrong = system_test::run({tabd_binary(), "--init", folder.path() + "/x", "--network", "Acme"});
  EXPECT_EQ(wrong.exit_code, 2);
  EXPECT_NE(wrong.output.find("is not a network"), std::string::npos) << wrong.output;
}

TEST(SystemDaemon, HelpVersionAndMistakes) {
  const auto help = system_test::run({tabd_binary(), "--help"});
  EXPECT_EQ(help.exit_code, 0);
  EXPECT_NE(help.output.find("--check-config"), std::string::npos);
  EXPECT_NE(help.output.find("Exit codes"), std::string::npos);
  EXPECT_TRUE(std::regex_search(system_test::run({tabd_binary(), "--version"}).output, std::regex("tabd \\d+\\.\\d+")));
  EXPECT_EQ(system_test::run({tabd_binary(), "--unknown"}).exit_code, 2);
  EXPECT_EQ(system_test::run({tabd_binary()}).exit_code, 2);
}

struct BadConfig {
  const char* text;
  const char* message;  // file:line:column: key: what
};

// The same message from --check-config and from a start; nothing is made on disk.
TEST(SystemDaemon, BadConfigurationsNameFileLineAndKey) {
  const BadConfig cases[] = {
      {"network = \"acme\"\n", "tabd.toml:1:11: network: \"acme\" is not a network; allowed: "},
      {"network = \"acme:tab\"\nnetwrk = 1\n", "tabd.toml:2:1: netwrk: unknown key; allowed here: "},
      {"network = \"acme:tab\"\n[http]\nlisten = \"here\"\n",
       "tabd.toml:3:10: http.listen: \"here\" is not an address"},
      {"network = \"acme:tab\"\n[rpc]\nlisten = \"127.0.0.1:1\"\n", "tabd.toml:3:10: rpc.listen: TCP needs TLS"},
      {"network = \"acme:tab\"\n[log\n", "tabd.toml:2:"},
      {"", "tabd.toml:1:1: network: missing"},
  };
  for (const BadConfig& bad : cases) {
    const TempFolder folder;
    const std::string file = folder.write("tabd.toml", bad.text);
    for (const char* option : {"--check-config", "--config"}) {
      const auto result = system_test::run({tabd_binary(), option, file});
      EXPECT_EQ(result.exit_code, 2) << result.output;
      EXPECT_NE(result.output.find(folder.path() + "/" + bad.message), std::string::npos) << result.output;
    }
    EXPECT_FALSE(std::filesystem::exists(folder.path() + "/data"));
  }
}

TEST(SystemDaemon, CheckConfigLooksAtSecrets) {
  const TempFolder folder;
  Tabd tabd(folder);
  EXPECT_EQ(system_test::run({tabd_binary(), "--check-config", tabd.config_file()}).exit_code, 0);
  ASSERT_EQ(::chmod(tabd.operator_key_file().c_str(), 0640), 0);
  const auto open = system_test::run({tabd_binary(), "--check-config", tabd.config_file()});
  EXPECT_EQ(open.exit_code, 2);
  EXPECT_NE(open.output.find("operator_key_file: "), std::string::npos) << open.output;
  EXPECT_NE(open.output.find("mode 0640"), std::string::npos) << open.output;
}

}  // namespace
