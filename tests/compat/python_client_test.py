#!/usr/bin/python3
"""Official Python clients against gofer, with nothing but the proto files: and with reflection alone.

Usage: python_client_test.py GOFER PROTO_DIR
"""

import os
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "harness"))
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import python_stubs  # pylint: disable=wrong-import-position
from gofer_server import GoferServer  # pylint: disable=wrong-import-position

import grpc  # pylint: disable=wrong-import-position,wrong-import-order

GOFER, PROTO_DIR = sys.argv[1:3]
STEPS = ["first", "second", "third"]


GENERATED = tempfile.TemporaryDirectory(prefix="gofer-python-")
python_stubs.generate(PROTO_DIR, GENERATED.name)
python_stubs.use(GENERATED.name)

# pylint: disable=wrong-import-position,import-error,no-name-in-module
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from gofer.v1 import deployment_pb2, deployment_pb2_grpc
from gofer.v1 import object_pb2, object_pb2_grpc
from gofer.v1 import pipeline_config_pb2, pipeline_config_pb2_grpc
from gofer.v1 import pipeline_pb2, pipeline_pb2_grpc
from gofer.v1 import run_pb2, run_pb2_grpc
from google.rpc import error_details_pb2, status_pb2
from grpc.health.v1 import health_pb2, health_pb2_grpc
from grpc.reflection.v1alpha import reflection_pb2, reflection_pb2_grpc


def spec(pipeline_id):
    """A pipeline of three tasks, one after the other."""
    tasks = []
    for index, step in enumerate(STEPS):
        depends_on = {STEPS[index - 1]: "success"} if index > 0 else {}
        tasks.append(pipeline_config_pb2.TaskSpec(
            id=step, image="busybox:latest", command=["true"], depends_on=depends_on))
    return pipeline_config_pb2.PipelineSpec(id=pipeline_id, name="From Python", tasks=tasks)


class PythonClient(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = GoferServer(GOFER, scheduler="null").start()
        cls.channel = grpc.insecure_channel(cls.server.address)

    @classmethod
    def tearDownClass(cls):
        cls.channel.close()
        cls.server.__exit__()

    def register(self, pipeline_id):
        configs = pipeline_config_pb2_grpc.PipelineConfigServiceStub(self.channel)
        response = configs.RegisterPipelineConfig(
            pipeline_config_pb2.RegisterPipelineConfigRequest(spec=spec(pipeline_id)))
        deployments = deployment_pb2_grpc.DeploymentServiceStub(self.channel)
        deployments.DeployPipeline(deployment_pb2.DeployPipelineRequest(
            pipeline_id=pipeline_id, version=response.config.version))
        return response

    def test_list_register_start_and_follow(self):
        pipelines = pipeline_pb2_grpc.PipelineServiceStub(self.channel)
        before = pipelines.ListPipelines(pipeline_pb2.ListPipelinesRequest())
        self.assertNotIn("python", [p.pipeline_id for p in before.pipelines])
        response = self.register("python")
        self.assertTrue(response.created)
        self.assertEqual(response.config.version, 1)
        after = pipelines.ListPipelines(pipeline_pb2.ListPipelinesRequest())
        self.assertIn("python", [p.pipeline_id for p in after.pipelines])

        runs = run_pb2_grpc.RunServiceStub(self.channel)
        run = runs.StartRun(run_pb2.StartRunRequest(
            pipeline_id="python", variables={"KEY": "value"})).run
        self.assertEqual(run.run_id, 1)
        last, tasks = None, {}
        for update in runs.WatchRun(run_pb2.WatchRunRequest(pipeline_id="python", run_id=1),
                                    timeout=30):
            last = update.run
            for task in update.task_executions:
                tasks[task.task_id] = task
        self.assertEqual(last.state, run_pb2.RUN_STATE_COMPLETE)
        self.assertEqual(last.status, run_pb2.RUN_STATUS_SUCCESSFUL)
        self.assertEqual(sorted(tasks), sorted(STEPS))
        self.assertEqual([v.value for v in last.variables if v.key == "KEY"], ["value"])

    def test_errors_carry_details(self):
        bad = spec("broken")
        bad.tasks[0].depends_on["third"] = "success"
        configs = pipeline_config_pb2_grpc.PipelineConfigServiceStub(self.channel)
        with self.assertRaises(grpc.RpcError) as caught:
            configs.RegisterPipelineConfig(
                pipeline_config_pb2.RegisterPipelineConfigRequest(spec=bad))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertIn("cycle", caught.exception.details())
        trailers = dict(caught.exception.trailing_metadata())
        status = status_pb2.Status.FromString(trailers["grpc-status-details-bin"])
        details = error_details_pb2.BadRequest()
        self.assertTrue(any(d.Unpack(details) for d in status.details
                            if d.Is(error_details_pb2.BadRequest.DESCRIPTOR)))
        self.assertTrue(details.field_violations[0].field.startswith("spec.tasks["))

    def test_what_comes_later_is_unimplemented(self):
        objects = object_pb2_grpc.ObjectServiceStub(self.channel)
        with self.assertRaises(grpc.RpcError) as caught:
            objects.ListPipelineObjects(object_pb2.ListPipelineObjectsRequest(pipeline_id="hello"))
        self.assertEqual(caught.exception.code(), grpc.StatusCode.UNIMPLEMENTED)

    def test_health(self):
        health = health_pb2_grpc.HealthStub(self.channel)
        response = health.Check(health_pb2.HealthCheckRequest())
        self.assertEqual(response.status, health_pb2.HealthCheckResponse.SERVING)

    def test_a_call_by_reflection_alone(self):
        """Lists services, loads the descriptors of one from the server, and calls it by them."""
        reflection = reflection_pb2_grpc.ServerReflectionStub(self.channel)

        def ask(**question):
            request = reflection_pb2.ServerReflectionRequest(**question)
            return next(reflection.ServerReflectionInfo(iter([request]), timeout=30))

        names = [s.name for s in ask(list_services="").list_services_response.service]
        self.assertIn("gofer.v1.PipelineService", names)
        pool = descriptor_pool.DescriptorPool()
        loaded = set()

        def load(answer):
            files = [descriptor_pb2.FileDescriptorProto.FromString(data)
                     for data in answer.file_descriptor_response.file_descriptor_proto]
            for file in files:
                if file.name in loaded:
                    continue
                loaded.add(file.name)
                for name in file.dependency:
                    if name not in loaded:
                        load(ask(file_by_filename=name))
                pool.Add(file)

        load(ask(file_containing_symbol="gofer.v1.PipelineService.ListPipelines"))
        service = pool.FindServiceByName("gofer.v1.PipelineService")
        method = service.FindMethodByName("ListPipelines")
        factory = message_factory.MessageFactory(pool)
        request = factory.GetPrototype(method.input_type)
        response = factory.GetPrototype(method.output_type)
        self.register("reflected")
        call = self.channel.unary_unary(
            "/gofer.v1.PipelineService/ListPipelines",
            request_serializer=request.SerializeToString,
            response_deserializer=response.FromString)
        self.assertIn("reflected", [p.pipeline_id for p in call(request(), timeout=30).pipelines])


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1], verbosity=2)
