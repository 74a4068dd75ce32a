#pragma once

// A running tabd whose parties were registered with tabctl itself.

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "cli/json.h"
#include "tests/system/harness.h"

namespace system_test {

using Words = std::vector<std::string>;

// Runs tabctl with nothing of this machine's settings.
Finished tabctl(const Words& arguments, const std::map<std::string, std::string>& environment = {},
                const std::string& input = {});

class TabctlTest : public testing::Test {
 protected:
  void SetUp() override;

  // With the key file NAME.key and the daemon's socket. stdout and stderr come together; hints are off.
  Finished run_as(const std::string& name, Words arguments, const std::string& input = {});
  // The output of a command that must succeed.
  std::string good(const std::string& name, const Words& arguments, const std::string& input = {});
  // The same with --json.
  cli::Json json(const std::string& name, Words arguments, const std::string& input = {});
  // Must end with this code; gives the output.
  std::string fails(int code, const std::string& name, const Words& arguments, const std::string& input = {});

  // Goes to the end of the configuration; the addresses are there.
  virtual std::string extra_config() const { return {}; }
  // Of the ledger; a short day of the bank needs one that begins with "demo".
  virtual std::string network() const { return "test:tab"; }

  std::string path(const std::string& name) const { return folder_.path() + "/" + name; }
  std::string key(const std::string& name) const { return path(name + ".key"); }
  const std::string& address(const std::string& name) const { return addresses_.at(name); }
  // One item of the payer to the payee, signed; `more` are further options of `sign commitment`.
  std::string signed_charge(const std::string& amount, const Words& more = {});
  // Submits it as the server; it must be accepted. Gives the entry's sequence.
  std::string charge(const std::string& amount);
  // Closes the payer's window and waits until its statement is paid. Gives the statement's number.
  std::string bill();

  TempFolder folder_;
  std::unique_ptr<Tabd> tabd_;
  std::map<std::string, std::string> addresses_;
};

std::string text_of(const cli::Json& value, const std::string& member);
bool contains(const std::string& text, const std::string& part);

}  // namespace system_test
