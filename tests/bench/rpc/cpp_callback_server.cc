// The echo service on the callback interface of gRPC C++, as a peer to measure.
//
// Usage: cpp_callback_server ADDRESS
#include "gofer/testing/echo.grpc.pb.h"
#include "tests/bench/rpc/cpp_common.h"

#include <chrono>
#include <memory>

#include <grpcpp/grpcpp.h>

namespace {

using gofer::testing::Echo;
using gofer::testing::EchoRequest;
using gofer::testing::EchoResponse;

class Repeat final : public grpc::ServerWriteReactor<EchoResponse> {
  public:
    explicit Repeat(const EchoRequest *request) : count_(request->count()) {
        response_.set_id(request->id());
        response_.set_payload(request->payload());
        next();
    }

    void OnWriteDone(bool ok) override {
        if (ok) {
            next();
        } else {
            Finish(grpc::Status::CANCELLED);
        }
    }

    void OnDone() override {
        delete this;
    }

  private:
    void next() {
        if (sequence_ == count_) {
            Finish(grpc::Status::OK);
            return;
        }
        response_.set_sequence(sequence_++);
        grpc::WriteOptions options;
        // As much help as the interface offers: several messages may share one write.
        if (sequence_ % 16 != 0 && sequence_ > 1 && sequence_ < count_) {
            options.set_buffer_hint();
        }
        StartWrite(&response_, options);
    }

    EchoResponse response_;
    int64_t sequence_ = 0;
    int64_t count_;
};

class Service final : public Echo::CallbackService {
    grpc::ServerUnaryReactor *Unary(grpc::CallbackServerContext *context,
                                    const EchoRequest *request, EchoResponse *response) override {
        response->set_id(request->id());
        response->set_payload(request->payload());
        grpc::ServerUnaryReactor *reactor = context->DefaultReactor();
        reactor->Finish(grpc::Status::OK);
        return reactor;
    }

    grpc::ServerWriteReactor<EchoResponse> *Repeat(grpc::CallbackServerContext *context,
                                                   const EchoRequest *request) override {
        (void)context;
        return new ::Repeat(request);
    }
};

} // namespace

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: cpp_callback_server ADDRESS\n");
        return 2;
    }
    const sigset_t signals = block_signals();
    Service service;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(argv[1], grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    serve_until_signal(signals);
    server->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(500));
    server->Wait();
    report_usage();
    return 0;
}
