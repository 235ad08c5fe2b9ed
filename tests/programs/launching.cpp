#include "tests/programs/launching.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>

#include "transports/faulty/faulty_transport.hpp"
#ifdef RLX_HAVE_MPI
#include "rlx/mpi.hpp"
#endif

namespace programs {
namespace {

constexpr const char* kEverythingFaulty = "delay=30us,jitter=100us,reorder,late,busy=0.1";

std::size_t environment_number(const char* name) {
  const char* text = std::getenv(name);
  return text == nullptr ? 0 : static_cast<std::size_t>(std::strtoul(text, nullptr, 10));
}
std::size_t promised_ranks() {
  return std::max({environment_number("OMPI_COMM_WORLD_SIZE"), environment_number("PMI_SIZE")});
}
bool is_first_process() {
  return environment_number("OMPI_COMM_WORLD_RANK") == 0 && environment_number("PMI_RANK") == 0;
}

void choose_transport(Launch& launch, const Arguments& arguments) {
  rlx::Config& config = launch.options.config;
  std::string transport = arguments.text("--transport", config.transport);
  std::string faulty = arguments.text("--faulty", "");
  if (transport == "faulty" && faulty.empty()) faulty = kEverythingFaulty;
  if (transport == "faulty") transport = "local";
  for (const auto& [name, provider] : {std::pair{"tcp", "tcp;ofi_rxm"}, std::pair{"net", "net"}})
    if (transport == name) {
      transport = "ofi";
      config.provider = provider;
    }
  config.transport = transport;
  config.provider = arguments.text("--provider", config.provider);
  if (faulty.empty()) return;
  launch.options.decorate = [faulty](std::unique_ptr<rlx::SymmetricTransport> inner) {
    return rlx::make_faulty(std::move(inner), faulty);
  };
}

void choose_kind(Launch& launch, const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::string kind = text.substr(0, colon);
  const std::string ranks = colon == std::string::npos ? "" : text.substr(colon + 1);
  if (text == "mpi")
    launch.kind = Launch::Kind::mpi;
  else if (text == "rendezvous")
    launch.kind = Launch::Kind::rendezvous;
  else if (kind == "threads" || kind == "fork")
    launch.kind = kind == "fork" ? Launch::Kind::fork : Launch::Kind::threads;
  else
    throw std::invalid_argument("--launch " + text + ": use mpi, threads:N, fork:N or rendezvous");
  if (!ranks.empty()) launch.ranks = std::stoul(ranks);
}

int launch_mpi([[maybe_unused]] const Launch& launch,
               [[maybe_unused]] const std::function<int(rlx::Communicator&)>& body) {
#ifdef RLX_HAVE_MPI
  rlx::Communicator comm = rlx::mpi::communicator(MPI_COMM_WORLD, launch.options);
  return body(comm);
#else
  throw std::invalid_argument("built without MPI; use --launch threads:N or fork:N");
#endif
}

int launch_on_threads(const Launch& launch, const std::function<int(rlx::Communicator&)>& body) {
  if (!is_first_process()) return 0;
  std::atomic<int> worst{0};
  rlx::launch_threads(launch.ranks, launch.options, [&](rlx::Communicator& comm) {
    const int code = body(comm);
    if (code != 0) worst = code;
  });
  return worst;
}

}  // namespace

std::set<std::string> with_launch_options(std::set<std::string> own) {
  own.insert({"--launch", "--transport", "--provider", "--faulty"});
  return own;
}

Launch parse_launch(const Arguments& arguments, const Launch& otherwise) {
  Launch launch = otherwise;
  choose_transport(launch, arguments);
  const std::string how = arguments.text("--launch", "");
  const bool local = launch.options.config.transport == "local";
  if (local) launch.kind = Launch::Kind::threads;
  if (promised_ranks() > 0) launch.ranks = promised_ranks();
  if (promised_ranks() > 0 && !local) launch.kind = Launch::Kind::mpi;
  if (!how.empty()) choose_kind(launch, how);
  return launch;
}

int launch(const Launch& launch, const std::function<int(rlx::Communicator&)>& body) {
  if (launch.kind == Launch::Kind::mpi) return launch_mpi(launch, body);
  if (launch.kind == Launch::Kind::rendezvous) {
    rlx::Communicator comm = rlx::rendezvous_communicator(launch.options);
    return body(comm);
  }
  if (launch.kind == Launch::Kind::threads) return launch_on_threads(launch, body);
  const std::vector<int> codes = rlx::launch_fork(launch.ranks, launch.options, body);
  return *std::ranges::max_element(codes);
}

}  // namespace programs
