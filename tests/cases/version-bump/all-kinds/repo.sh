npm demo 1.2.3
printf '{\n  "name": "demo",\n  "version": "1.2.3",\n  "lockfileVersion": 3,\n  "packages": {\n    "": {\n      "name": "demo",\n      "version": "1.2.3"\n    },\n    "node_modules/x": {\n      "version": "1.2.3"\n    }\n  }\n}\n' >package-lock.json
printf '[package]\nname = "demo" # name\nversion = "1.2.3"\n\n[dependencies]\nx = "1.2.3"\n' >Cargo.toml
printf 'version = 4\n\n[[package]]\nname = "demo"\nversion = "1.2.3"\n\n[[package]]\nname = "x"\nversion = "1.2.3"\nsource = "registry+https://github.com/rust-lang/crates.io-index"\n' >Cargo.lock
printf '[project]\nname = "demo"\nversion = "1.2.3"\n' >pyproject.toml
printf 'from setuptools import setup\n\nsetup(name="demo", version="1.2.3")\n' >setup.py
printf '[metadata]\nname = demo\nversion = 1.2.3\n' >setup.cfg
mkdir demo; printf '"""Demo."""\n__version__ = "1.2.3"\n' >demo/__init__.py
printf '<project>\n  <parent><version>9.9.9</version></parent>\n  <artifactId>demo</artifactId>\n  <version>1.2.3</version><!-- here -->\n</project>\n' >pom.xml
printf 'group=x\nversion = 1.2.3\n' >gradle.properties
printf 'apiVersion: v2\nname: demo\nversion: 1.2.3 # chart\nappVersion: "1.2.3"\n' >Chart.yaml
printf '<Project>\n  <PropertyGroup>\n    <Version>1.2.3</Version>\n  </PropertyGroup>\n</Project>\n' >Directory.Build.props
printf '{"name": "x/demo", "version": "1.2.3"}\n' >composer.json
printf 'defmodule Demo.MixProject do\n  def project do\n    [app: :demo, version: "1.2.3"]\n  end\nend\n' >mix.exs
echo 1.2.3 >VERSION
commit "feat: first"
tag v1.2.3
commit "fix: second" a
