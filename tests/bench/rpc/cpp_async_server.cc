// The echo service on the asynchronous (completion queue) interface of gRPC C++, as a peer to
// measure.
//
// Usage: cpp_async_server ADDRESS [THREADS]
#include "gofer/testing/echo.grpc.pb.h"
#include "tests/bench/rpc/cpp_common.h"

#include <chrono>
#include <memory>
#include <stdlib.h>
#include <thread>
#include <vector>

#include <grpcpp/grpcpp.h>

namespace {

using gofer::testing::Echo;
using gofer::testing::EchoRequest;
using gofer::testing::EchoResponse;

constexpr int kSlots = 256;

class Step {
  public:
    virtual ~Step() = default;
    virtual void proceed(bool ok) = 0;
};

class UnaryCall final : public Step {
  public:
    UnaryCall(Echo::AsyncService *service, grpc::ServerCompletionQueue *queue)
        : service_(service), queue_(queue), writer_(&context_) {
        service_->RequestUnary(&context_, &request_, &writer_, queue_, queue_, this);
    }

    void proceed(bool ok) override {
        if (finished_ || !ok) {
            delete this;
            return;
        }
        new UnaryCall(service_, queue_);
        response_.set_id(request_.id());
        response_.set_payload(request_.payload());
        finished_ = true;
        writer_.Finish(response_, grpc::Status::OK, this);
    }

  private:
    Echo::AsyncService *service_;
    grpc::ServerCompletionQueue *queue_;
    grpc::ServerContext context_;
    EchoRequest request_;
    EchoResponse response_;
    grpc::ServerAsyncResponseWriter<EchoResponse> writer_;
    bool finished_ = false;
};

class RepeatCall final : public Step {
  public:
    RepeatCall(Echo::AsyncService *service, grpc::ServerCompletionQueue *queue)
        : service_(service), queue_(queue), writer_(&context_) {
        service_->RequestRepeat(&context_, &request_, &writer_, queue_, queue_, this);
    }

    void proceed(bool ok) override {
        if (finished_ || (!started_ && !ok)) {
            delete this;
            return;
        }
        if (!started_) {
            new RepeatCall(service_, queue_);
            started_ = true;
            response_.set_id(request_.id());
            response_.set_payload(request_.payload());
        }
        if (!ok || sequence_ == request_.count()) {
            finished_ = true;
            writer_.Finish(ok ? grpc::Status::OK : grpc::Status::CANCELLED, this);
            return;
        }
        response_.set_sequence(sequence_++);
        grpc::WriteOptions options;
        // As much help as the interface offers: several messages may share one write.
        if (sequence_ % 16 != 0 && sequence_ > 1 && sequence_ < request_.count()) {
            options.set_buffer_hint();
        }
        writer_.Write(response_, options, this);
    }

  private:
    Echo::AsyncService *service_;
    grpc::ServerCompletionQueue *queue_;
    grpc::ServerContext context_;
    EchoRequest request_;
    EchoResponse response_;
    grpc::ServerAsyncWriter<EchoResponse> writer_;
    int64_t sequence_ = 0;
    bool started_ = false;
    bool finished_ = false;
};

void run(grpc::ServerCompletionQueue *queue) {
    void *tag = nullptr;
    bool ok = false;
    while (queue->Next(&tag, &ok)) {
        static_cast<Step *>(tag)->proceed(ok);
    }
}

} // namespace

int main(int argc, char **argv) {
    if (argc < 2) {
        fprintf(stderr, "usage: cpp_async_server ADDRESS [THREADS]\n");
        return 2;
    }
    const int thread_count = argc > 2 ? atoi(argv[2]) : 2;
    const sigset_t signals = block_signals();
    Echo::AsyncService service;
    grpc::ServerBuilder builder;
    builder.AddListeningPort(argv[1], grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    std::vector<std::unique_ptr<grpc::ServerCompletionQueue>> queues;
    for (int i = 0; i < thread_count; i++) {
        queues.push_back(builder.AddCompletionQueue());
    }
    const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    std::vector<std::thread> threads;
    for (const auto &queue : queues) {
        for (int i = 0; i < kSlots; i++) {
            new UnaryCall(&service, queue.get());
            new RepeatCall(&service, queue.get());
        }
        threads.emplace_back(run, queue.get());
    }
    serve_until_signal(signals);
    server->Shutdown(std::chrono::system_clock::now() + std::chrono::milliseconds(500));
    for (const auto &queue : queues) {
        queue->Shutdown();
    }
    for (auto &thread : threads) {
        thread.join();
    }
    report_usage();
    return 0;
}
