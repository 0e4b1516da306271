"""What must hold of the rendered chart and no Kubernetes schema says: that objects fit each other, and the rules of the
restricted pod security standard. Writes the objects that have a schema of Kubernetes into a file for the validator; the
others (KEDA's, the Prometheus operator's) are checked here alone."""

import argparse
import re
import sys
import tomllib
import urllib.parse

import yaml

FOREIGN = {"ScaledObject", "PodMonitor", "PrometheusRule"}
# The command line of each role, the section of the configuration that it drains by, and its port.
ARGUMENTS = {"ingest": ["ingest"], "persist": ["persist"], "control": ["control"], "pulse": ["pulse"], "agentgate": ["agentgate", "serve"],
             "decide": ["decide", "--api", "agentgate"]}
SECTIONS = {"ingest": "ingest", "persist": "persister", "control": "control", "pulse": "persister", "agentgate": "agentgate",
            "decide": "persister"}
PORTS = {"ingest": 8080, "control": 8081, "agentgate": 8082}
# The roles that send to receivers outside.
SENDING = {"pulse", "control", "agentgate", "decide"}
OF_AGENTGATE = {"agentgate", "decide"}


class Rendered:
    def __init__(self, path, values):
        with open(path) as file:
            self.objects = [each for each in yaml.safe_load_all(file) if each]
        with open("deploy/kubernetes/tidegate/values.yaml") as file:
            self.values = merged(yaml.safe_load(file), values)
        self.wrong = []
        agentgate = self.values["agentgate"]["enabled"]
        self.roles = [role for role in ARGUMENTS if agentgate or role not in OF_AGENTGATE]
        self.doors = {role: port for role, port in PORTS.items() if role in self.roles}
        config = self.one("ConfigMap", "", hook=False)
        self.config = tomllib.loads(config["data"]["tidegate.toml"])

    def must(self, holds, what):
        if not holds:
            self.wrong.append(what)

    def all(self, kind):
        return [each for each in self.objects if each["kind"] == kind]

    def one(self, kind, component, hook=None):
        def fits(each):
            labels, annotations = each["metadata"]["labels"], each["metadata"].get("annotations") or {}
            return labels.get("app.kubernetes.io/component", "") == component and (
                hook is None or ("helm.sh/hook" in annotations) == hook) and "grafana_dashboard" not in labels

        found = [each for each in self.all(kind) if fits(each)]
        assert len(found) == 1, f"{len(found)} objects of kind {kind} for '{component}'"
        return found[0]

    def pods(self):
        """Every pod template, with the object it stands in."""
        return [(each, each["spec"]["template"]) for each in self.all("Deployment") + self.all("Job")]


def merged(below, above):
    if not isinstance(below, dict) or not isinstance(above, dict):
        return above
    return {key: merged(below.get(key), above[key]) if key in above else below[key] for key in {**below, **above}}


def selects(selector, labels):
    return all(labels.get(key) == value for key, value in selector.items())


def pods_are_restricted(chart):
    for owner, pod in chart.pods():
        name, spec = owner["metadata"]["name"], pod["spec"]
        security = spec["securityContext"]
        chart.must(security["runAsNonRoot"] and security["runAsUser"] > 0, f"{name} may run as root")
        chart.must(security["seccompProfile"]["type"] == "RuntimeDefault", f"{name} has no seccomp profile")
        chart.must(spec["automountServiceAccountToken"] is False, f"{name} gets a token of the cluster")
        chart.must(spec["enableServiceLinks"] is False, f"{name} gets variables that announce services")
        for container in spec["containers"]:
            own = container["securityContext"]
            chart.must(own["allowPrivilegeEscalation"] is False, f"{name} may gain privileges")
            chart.must(own["readOnlyRootFilesystem"] is True, f"{name} may write to its image")
            chart.must(own["capabilities"]["drop"] == ["ALL"], f"{name} keeps capabilities")
            chart.must({"cpu", "memory"} <= container["resources"]["requests"].keys(), f"{name} requests nothing")
            chart.must("memory" in container["resources"]["limits"], f"{name} may take all memory")


def what_is_mounted_is_there(chart):
    made = {(each["kind"], each["metadata"]["name"]) for each in chart.objects}
    existing, of_agentgate = chart.values["secret"]["existing"], chart.values["agentgate"]["secret"]["existing"]
    secretive = [chart.one("Deployment", role) for role in OF_AGENTGATE if role in chart.roles]
    for owner, pod in chart.pods():
        name, spec = owner["metadata"]["name"], pod["spec"]
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        for volume in volumes.values():
            if "configMap" in volume:
                chart.must(("ConfigMap", volume["configMap"]["name"]) in made, f"{name}: no such ConfigMap")
                hook = owner["kind"] == "Job"
                chart.must(volume["configMap"]["name"].endswith("-jobs") == hook, f"{name} mounts another's ConfigMap")
            if "secret" in volume:
                secret = volume["secret"]["secretName"]
                own = any(owner is each for each in secretive) and secret == of_agentgate
                chart.must(own or secret == existing or ("Secret", secret) in made, f"{name}: no Secret {secret}")
        for container in spec["containers"]:
            mounts = {mount["mountPath"]: mount for mount in container["volumeMounts"]}
            chart.must(all(mount["name"] in volumes for mount in mounts.values()), f"{name} mounts no volume")
            for variable in container["env"]:
                if variable["name"].endswith("_FILE"):
                    folder = variable["value"].rsplit("/", 1)[0]
                    chart.must(folder in mounts, f"{name}: {variable['name']} leads nowhere")
                chart.must("PASSWORD" not in variable["name"] or variable["name"].endswith("_FILE"),
                           f"{name}: a password in {variable['name']}")
            named = {variable["name"] for variable in container["env"]}
            chart.must(("TIDEGATE_AGENTGATE__SECRET_FILE" in named) == any(owner is each for each in secretive),
                       f"{name}: AgentGate's secret")


def roles_are_probed_and_end_in_time(chart):
    for role in chart.roles:
        deployment = chart.one("Deployment", role)
        spec = deployment["spec"]["template"]["spec"]
        container = spec["containers"][0]
        chart.must(container["args"] == ARGUMENTS[role], f"{role} runs {container['args']}")
        ports = {port["name"]: port["containerPort"] for port in container["ports"]}
        chart.must(ports.get("ops") == port_of(chart.config["ops"]), f"{role}: the operations port is another")
        if role in chart.doors:
            port = chart.doors[role]
            chart.must(ports.get("http") == port_of(chart.config[role]) == port, f"{role}: its port is another")
        for probe, path in [("startupProbe", "/healthz"), ("livenessProbe", "/healthz"), ("readinessProbe", "/readyz")]:
            chart.must(container[probe]["httpGet"] == {"path": path, "port": "ops"}, f"{role}: {probe}")
        startup = container["startupProbe"]
        chart.must(startup["periodSeconds"] * startup["failureThreshold"] * 1_000 > chart.config["start_timeout_ms"],
                   f"{role} is killed while it waits for its servers")
        section = SECTIONS[role]
        drain_s = chart.config[section]["drain_ms"] / 1_000 * (2 if role in ["ingest", "agentgate"] else 1)
        # Requests are taken on for drain_grace_ms, which is 5 s unless it is set.
        drain_s += chart.config[section].get("drain_grace_ms", 5_000) / 1_000 if role in chart.doors else 0
        pause_s = container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        # Beside the drain: ending the background jobs, closing log and store, the operations port.
        chart.must(spec["terminationGracePeriodSeconds"] >= drain_s + pause_s + 35, f"{role} is killed while it drains")
        over = [constraint["topologyKey"] for constraint in spec["topologySpreadConstraints"]]
        chart.must(over[0] == "topology.kubernetes.io/zone", f"{role} does not spread over zones")
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        for selector in [deployment["spec"]["selector"], chart.one("PodDisruptionBudget", role)["spec"]["selector"],
                         chart.one("NetworkPolicy", role)["spec"]["podSelector"],
                         *(each["labelSelector"] for each in spec["topologySpreadConstraints"])]:
            chart.must(selects(selector["matchLabels"], labels), f"{role}: a selector that finds no pod")


def port_of(section):
    return int(section["listen"].rsplit(":", 1)[1])


def doors_are_services(chart):
    chart.must(len(chart.all("Service")) == len(chart.doors), "a Service for each door, and no other")
    for role in chart.doors:
        labels = chart.one("Deployment", role)["spec"]["template"]["metadata"]["labels"]
        service = chart.one("Service", role)["spec"]
        chart.must(selects(service["selector"], labels), f"{role}: its Service finds no pod")
        chart.must([port["targetPort"] for port in service["ports"]] == ["http"], f"{role}: its Service opens more")
    for ingress in chart.all("Ingress"):
        backend = ingress["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"]
        chart.must(backend["name"] == chart.one("Service", "ingest")["metadata"]["name"], "the Ingress leads elsewhere")


def what_scales_is_scaled_once(chart):
    hpas = {each["spec"]["scaleTargetRef"]["name"] for each in chart.all("HorizontalPodAutoscaler")}
    kedas = {each["spec"]["scaleTargetRef"]["name"] for each in chart.all("ScaledObject")}
    names = {each["metadata"]["name"]: each for each in chart.all("Deployment")}
    chart.must(hpas | kedas <= names.keys() and not hpas & kedas, "two scale one, or one that is not there")
    for name, deployment in names.items():
        chart.must(("replicas" in deployment["spec"]) != (name in hpas | kedas), f"{name}: its number of pods")
    asked = {role for role in ["persist", "decide"] if role in chart.roles and chart.values[role]["keda"]["enabled"]}
    scaled_roles = {each["metadata"]["labels"]["app.kubernetes.io/component"] for each in chart.all("ScaledObject")}
    chart.must(scaled_roles == asked and len(kedas) == len(asked), "KEDA is on, or off, against the values")
    kafka, region = chart.config["kafka"], chart.config["region"]
    for scaled in chart.all("ScaledObject"):
        chart.must(scaled["apiVersion"] == "keda.sh/v1alpha1", "KEDA's version")
        spec, of_commands = scaled["spec"], scaled["metadata"]["labels"]["app.kubernetes.io/component"] == "decide"
        partitions = (chart.config["agentgate"] if of_commands else kafka)["partitions"]
        chart.must(0 < spec["minReplicaCount"] <= spec["maxReplicaCount"] <= partitions, "consumers that idle")
        prefix, generation = kafka["topic_prefix"], kafka["generation"]
        below, group = (f"{prefix}.agentgate.{region}", "decider") if of_commands else (f"{prefix}.{region}", "persister")
        (trigger,) = spec["triggers"]
        named = {
            "bootstrapServers": ",".join(kafka["brokers"]),
            "consumerGroup": f"{below}.{group}.g{generation}",
            "topic": f"{below}.records.g{generation}",
        }
        chart.must(trigger["type"] == "kafka" and named.items() <= trigger["metadata"].items(), "KEDA looks elsewhere")
        chart.must(all(isinstance(value, str) for value in trigger["metadata"].values()), "KEDA's metadata is all text")


def jobs_run_first(chart):
    hooks = {}
    for job in chart.all("Job"):
        annotations = job["metadata"]["annotations"]
        chart.must(annotations["helm.sh/hook"] == "pre-install,pre-upgrade", f"{job['metadata']['name']} runs late")
        hooks[int(annotations["helm.sh/hook-weight"])] = job["spec"]["template"]["spec"]["containers"][0]["args"]
    chart.must([hooks[weight] for weight in sorted(hooks)] == [["migrate"], ["topics", "create"]], f"jobs: {hooks}")
    config = chart.one("ConfigMap", "", hook=True)
    chart.must(int(config["metadata"]["annotations"]["helm.sh/hook-weight"]) < min(hooks), "the jobs' file comes late")
    chart.must(tomllib.loads(config["data"]["tidegate.toml"]) == chart.config, "the jobs have another configuration")


def pods_reach_their_servers(chart):
    servers = chart.config["kafka"]["brokers"] + chart.config["redis"]["urls"] + chart.config["scylla"]["nodes"]
    wanted = {int(re.search(r":(\d+)$", server)[1]) for server in servers}
    chart.must(len(chart.all("NetworkPolicy")) == len(chart.roles), "a NetworkPolicy for each role")
    for policy in chart.all("NetworkPolicy"):
        open_to = {port["port"] for rule in policy["spec"]["egress"] for port in rule["ports"]}
        role = policy["metadata"]["labels"]["app.kubernetes.io/component"]
        receivers = set(chart.values["networkPolicy"]["webhookPorts"]) if role in SENDING else set()
        chart.must(wanted | receivers | {53} <= open_to, f"{policy['metadata']['name']} bars {wanted - open_to}")
        if role == "pulse" and chart.config["pulse"]["canary_url"]:
            url = urllib.parse.urlsplit(chart.config["pulse"]["canary_url"])
            port = url.port or {"https": 443, "http": 80}[url.scheme]
            chart.must(port in open_to, f"the canary does not get out: {port}")
        doors = {port["port"] for rule in policy["spec"]["ingress"] for port in rule["ports"]}
        chart.must(doors == {9090} | ({chart.doors[role]} if role in chart.doors else set()), f"{role} opens {doors}")


def monitoring_finds_its_way(chart):
    (monitor,) = chart.all("PodMonitor")
    chart.must(monitor["apiVersion"] == "monitoring.coreos.com/v1", "the operator's version")
    selector = monitor["spec"]["selector"]
    for owner, pod in chart.pods():
        labels = pod["metadata"]["labels"]
        role = labels["app.kubernetes.io/component"]
        (expression,) = selector["matchExpressions"]
        found = selects(selector["matchLabels"], labels) and role in expression["values"]
        chart.must(found == (role in chart.roles), f"{owner['metadata']['name']} is scraped, or is not")
        chart.must(labels[monitor["spec"]["jobLabel"]] == "tidegate", "the alerts ask for job=tidegate")
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    chart.must(endpoint["port"] == "ops", "the operations port is scraped")
    (rule,) = chart.all("PrometheusRule")
    with open("deploy/prometheus/alerts.yaml") as file:
        text = file.read().replace("docs/runbook.md", chart.values["monitoring"]["prometheusRule"]["runbook"])
    chart.must(rule["spec"] == yaml.safe_load(text), "the chart's alerts are others")


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("rendered")
    arguments.add_argument("values")
    arguments.add_argument("--with-schema", dest="own", required=True)
    told = arguments.parse_args()
    with open(told.values) as file:
        chart = Rendered(told.rendered, yaml.safe_load(file))
    for check in [pods_are_restricted, what_is_mounted_is_there, roles_are_probed_and_end_in_time, doors_are_services,
                  what_scales_is_scaled_once, jobs_run_first, pods_reach_their_servers, monitoring_finds_its_way]:
        check(chart)
    if chart.wrong:
        sys.exit("\n".join(chart.wrong))
    own = [each for each in chart.objects if each["kind"] not in FOREIGN]
    with open(told.own, "w") as file:
        yaml.safe_dump_all(own, file)
    print(f"{told.rendered}: {len(chart.objects)} objects fit each other, {len(own)} of them have a schema")


main()
